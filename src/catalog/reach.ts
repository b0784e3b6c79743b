/**
 * Whether the other side answers at all, shared by everything that asks it. While it does not, one after another may try,
 * at most every second or so, however many wait; when it does, all go on at once.
 */
import type { Ms } from "../plan.ts";
import { backoff, type Clock } from "./clock.ts";

const firstMs: Ms = 100;
/** An agent that comes back is seen within this time. */
const maxMs: Ms = 1_500;

export class Reach {
  readonly #clock: Clock;
  /** Called at the end of an outage. */
  readonly #returned: () => void;
  readonly #waiting = new Set<() => void>();
  #cancel: (() => void) | undefined;
  #tries = 0;
  #down = false;

  constructor(clock: Clock, returned: () => void) {
    this.#clock = clock;
    this.#returned = returned;
  }

  failed(): void {
    this.#down = true;
  }

  worked(): void {
    if (!this.#down) return;
    this.#down = false;
    this.#tries = 0;
    this.#cancel?.();
    this.#cancel = undefined;
    for (const go of [...this.#waiting]) go();
    this.#returned();
  }

  /** Calls `go` once, when it is the caller's turn to try; the returned function gives the turn up. */
  turn(go: () => void): () => void {
    const mine = (): void => {
      this.#waiting.delete(mine);
      go();
    };
    this.#waiting.add(mine);
    this.#arm();
    return () => this.#waiting.delete(mine);
  }

  close(): void {
    this.#cancel?.();
    this.#waiting.clear();
  }

  #arm(): void {
    if (this.#cancel !== undefined || this.#waiting.size === 0) return;
    const wait = backoff(this.#clock, this.#tries, firstMs, maxMs);
    this.#tries += 1;
    this.#cancel = this.#clock.after(wait, () => {
      this.#cancel = undefined;
      const [go] = this.#waiting;
      go?.();
      this.#arm();
    });
  }
}
