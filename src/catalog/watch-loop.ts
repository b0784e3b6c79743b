/** One blocking query in a loop: a change is seen when it happens, nothing is asked meanwhile. */
import type { Dependency, Ms } from "../plan.ts";
import { asCatalogError, type CatalogError, type Instance } from "./catalog.ts";
import { backoff, type Clock } from "./clock.ts";
import { sameLists } from "./instances.ts";
import type { Reach } from "./reach.ts";

/** Between the beginnings of two queries: a catalog (or a proxy) that answers at once, always, is not asked more often. */
const floorMs: Ms = 100;
const refusedFirstMs: Ms = 500;
const refusedMaxMs: Ms = 30_000;

export interface Page {
  instances: readonly Instance[];
  /** 0: none, so blocking does not work. */
  index: number;
}

type Seen = (instances: readonly Instance[]) => void;
type Failed = (error: CatalogError) => void;

export interface Source {
  clock: Clock;
  reach: Reach;
  /** index 0: answers at once; else when there is news after this index, or after a while. Rejects with CatalogError. */
  query(dependency: Dependency, index: number, signal: AbortSignal): Promise<Page>;
}

export class WatchLoop {
  readonly #source: Source;
  readonly #dependency: Dependency;
  readonly #seen: Seen;
  readonly #failed: Failed;
  #told: readonly Instance[] | undefined;
  #index = 0;
  #failures = 0;
  #abort = new AbortController();
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(source: Source, dependency: Dependency, seen: Seen, failed: Failed) {
    this.#source = source;
    this.#dependency = dependency;
    this.#seen = seen;
    this.#failed = failed;
    void this.#loop();
  }

  /** An outage is over: a query that began before it may never be answered (its connection may have died silently). */
  askAgain(): void {
    this.#abort.abort();
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.askAgain();
  }

  async #loop(): Promise<void> {
    while (!this.#closed) {
      this.#abort = new AbortController();
      const { signal } = this.#abort;
      const began = this.#source.clock.now();
      const index = this.#index;
      try {
        const page = await this.#source.query(this.#dependency, index, signal);
        if (this.#closed) return;
        this.#took(page);
        await this.#pause(began, index, page.index);
      } catch (error) {
        if (this.#closed) return;
        this.#index = 0;
        // Given up by ourselves: not a failure.
        if (!signal.aborted) await this.#missed(asCatalogError(error));
        else await this.#sleep(floorMs - (this.#source.clock.now() - began));
      }
    }
  }

  #took({ instances, index }: Page): void {
    const { reach } = this.#source;
    const wasFailing = this.#failures > 1;
    this.#failures = 0;
    // Another server, or one that lost everything, counts anew.
    this.#index = index < this.#index ? 0 : index;
    reach.worked();
    if (this.#closed) return;
    if (this.#told !== undefined && !wasFailing && sameLists(this.#told, instances)) return;
    this.#told = instances;
    this.#seen(instances);
  }

  async #pause(began: Ms, asked: number, index: number): Promise<void> {
    if (index === 0) await this.#sleep(Math.max(floorMs, this.#dependency.poll));
    else if (asked > 0) await this.#sleep(floorMs - (this.#source.clock.now() - began));
  }

  /** The first failure is tried again at once and not told: a connection may always break. */
  async #missed(error: CatalogError): Promise<void> {
    const { clock, reach } = this.#source;
    this.#failures += 1;
    if (this.#failures === 1) {
      await this.#sleep((floorMs * clock.random()) / 2);
      return;
    }
    if (error.kind === "down") reach.failed();
    this.#failed(error);
    if (this.#closed) return;
    if (error.kind === "down") await this.#turn();
    else await this.#sleep(backoff(clock, this.#failures - 2, refusedFirstMs, refusedMaxMs));
  }

  /** Ends early when the catalog returned, or at `close`. */
  async #sleep(ms: Ms): Promise<void> {
    if (ms <= 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#source.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = undefined;
  }

  async #turn(): Promise<void> {
    await new Promise<void>((resolve) => {
      const giveUp = this.#source.reach.turn(resolve);
      this.#wake = () => {
        giveUp();
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
