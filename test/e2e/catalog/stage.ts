import type { Backend, CatalogEvent, CatalogLog, CatalogSession } from "../../../src/catalog/catalog.ts";
import { openSession } from "../../../src/catalog/session.ts";
import type { Ms, Service, Status } from "../../../src/plan.ts";
import { cleanUp } from "../harness/cleanup.ts";
import { until } from "./wait.ts";

/** A session on a real back end, driven as the core drives it: each good probe repeats the wish. */
export class Stage {
  readonly session: CatalogSession;
  readonly told: CatalogEvent[] = [];
  readonly logged: CatalogLog[] = [];
  #beats: NodeJS.Timeout[] = [];
  #attempt = 0;

  constructor(backend: Backend) {
    this.session = openSession(
      backend,
      (event) => this.told.push(event),
      (line) => this.logged.push(line),
    );
    cleanUp(() => this.close());
  }

  close(): void {
    for (const beat of this.#beats) clearInterval(beat);
    this.session.close();
  }

  announce(service: Service, status: Status = "passing", output = ""): number {
    this.#attempt += 1;
    this.session.announce(service.name, service, this.#attempt, status, output);
    return this.#attempt;
  }

  /** Settles when the attempt is told. */
  async announced(service: Service, status: Status = "passing"): Promise<boolean> {
    const attempt = this.announce(service, status);
    const told = await until(
      `attempt ${attempt} is told`,
      () => this.told.find((event) => event.t === "announced" && event.attempt === attempt),
      (event) => event !== undefined,
    );
    return told?.t === "announced" && told.ok;
  }

  beat(service: Service, everyMs: Ms): void {
    this.announce(service);
    this.#beats.push(setInterval(() => this.announce(service), everyMs));
  }

  /** Milliseconds until `withdrawn` was told, and whether it was ok. */
  async withdraw(service: Service): Promise<{ ok: boolean; ms: Ms }> {
    for (const beat of this.#beats) clearInterval(beat);
    const began = performance.now();
    const before = this.told.length;
    this.session.withdraw(service.name, service);
    const told = await until(
      "withdrawn is told",
      () => this.told.slice(before).find((event) => event.t === "withdrawn"),
      (event) => event !== undefined,
    );
    return { ok: told?.t === "withdrawn" && told.ok, ms: performance.now() - began };
  }

  /** What the watch was told, newest last: the ids. */
  lists(watch: string): string[] {
    return this.told.flatMap((event) =>
      event.t === "watched" && event.watch === watch ? [event.instances.map(({ id }) => id).join(",")] : [],
    );
  }

  async watched(watch: string, ids: string, ms = 10_000): Promise<void> {
    await until(
      `${watch} is told [${ids}]`,
      () => this.lists(watch).at(-1),
      (last) => last === ids,
      ms,
    );
  }

  /** Without the debug lines. */
  lines(): string[] {
    return this.logged.filter(({ level }) => level !== "debug").map(({ level, message }) => `${level} ${message}`);
  }

  async line(part: string, ms = 10_000): Promise<void> {
    await until(
      `a line with "${part}"`,
      () => this.lines(),
      (lines) => lines.some((line) => line.includes(part)),
      ms,
    );
  }
}
