import type { Core } from "../core/contract.ts";
import type { Memory } from "../core/memory.ts";
import type { Boot, Pilot } from "../native/pilot.ts";
import type { WatchId } from "../plan.ts";
import type { Seen, SeenText } from "./catalogs.ts";
import { now } from "./clock.ts";
import type { Environment } from "./environment.ts";

/** Where keeping takes longer than this, as with a thousand jobs, it gets no more than a twentieth of the time. */
const CHEAP_MS = 1;
const SHARE = 20;

const MS_PER_S = 1000;
const NS_PER_MS = 1e6;

/** What one runtime leaves to the next one in the same process, as JSON. */
interface Remembered {
  /** When its clock began, by the machine's monotonic clock. */
  zero: number;
  core: Memory;
  environment: Readonly<Record<string, string>>;
  /** The text of the configuration in force; none where all together would be too long. */
  config?: string;
  /** What the catalog's watches were told last; none where all together would be too long. */
  seen?: Readonly<Record<WatchId, Seen>>;
}

/** process.hrtime is the kernel's CLOCK_MONOTONIC, which goes on when the program is replaced; process.uptime begins anew. */
function zero(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * MS_PER_S + Math.trunc(nanoseconds / NS_PER_MS) - now();
}

/** What a dead runtime of this process has left; `shift` turns its times into ours. */
export function recollect({ rebirths, memory }: Boot): (Remembered & { shift: number }) | undefined {
  if (rebirths.count === 0 || memory === "") return undefined;
  const left = JSON.parse(memory) as Remembered;
  return { ...left, shift: left.zero - zero() };
}

/** All that has been done in this process is the launcher's: no runtime has come so far as to have anything to remember. */
export function isInstant({ instant, lastRun, memory }: Boot): boolean {
  return instant.run !== 0 && instant.run === lastRun && memory === "";
}

/** Hands what must not be lost to the native half, whenever it has changed. What is lost all the same is concluded anew. */
export class Remembering {
  readonly #pilot: Pilot;
  readonly #environment: Environment;
  readonly #trouble: (message: string) => void;
  readonly #zero = zero();
  #config = "";
  #last = "";
  #lastMore = "";
  #tooLong = false;
  /** Nothing is kept before that. */
  #again = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(pilot: Pilot, environment: Environment, trouble: (message: string) => void) {
    this.#pilot = pilot;
    this.#environment = environment;
    this.#trouble = trouble;
  }

  /** The text of the configuration in force. Kept as JSON, since it is written far more often than it changes. */
  set config(text: string) {
    this.#config = JSON.stringify(text);
  }

  keep(core: Core, catalogs: { readonly seen: SeenText }): void {
    const begun = now();
    if (begun < this.#again) {
      this.#timer ??= setTimeout(() => this.keep(core, catalogs), this.#again - begun);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#keep(core, catalogs.seen);
    const took = now() - begun;
    if (took > CHEAP_MS) this.#again = begun + SHARE * took;
  }

  #keep(core: Core, seen: SeenText): void {
    const text = `{"zero":${this.#zero},"core":${core.memory()},"environment":${this.#environment.changes()}}`;
    const more = `,"config":${this.#config},"seen":${seen}}`;
    if (text === this.#last && more === this.#lastMore) return;
    this.#last = text;
    this.#lastMore = more;
    if (this.#pilot.remember(text.slice(0, -1) + more) || this.#pilot.remember(text) || this.#tooLong) return;
    this.#tooLong = true;
    this.#trouble("so many jobs are configured that a crash of the runtime would forget their restart budgets");
  }
}
