import type { Effect, RunId } from "../core/contract.ts";
import type { Command } from "../plan.ts";

/** A start for which there is no room yet. */
export interface WaitingStart {
  effect: Extract<Effect, { t: "spawn" }>;
  command: Command;
  file: string;
}

/** As many processes as there is room for are running: a start is made when one of them has ended. */
const FULL: ReadonlySet<string> = new Set(["ENOBUFS", "EMFILE"]);

/** Between two tries. */
const AGAIN_MS = 20;

/** Starts that wait for room, in order. */
export class WaitingStarts {
  readonly #again: (start: WaitingStart) => void;
  readonly #waiting = new Map<RunId, WaitingStart>();
  #timer: NodeJS.Timeout | undefined;

  /** @param again tries a start, and then says `put` or `take` */
  constructor(again: (start: WaitingStart) => void) {
    this.#again = again;
  }

  /** Whether a failure only means that others have to end first. */
  static isFull(errno: string): boolean {
    return FULL.has(errno);
  }

  put(start: WaitingStart): void {
    this.#waiting.set(start.effect.run, start);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const [run, waiting] of [...this.#waiting]) {
        this.#again(waiting);
        if (this.#waiting.has(run)) break;
      }
    }, AGAIN_MS);
  }

  /** It waits no longer; undefined when it did not. */
  take(run: RunId): WaitingStart | undefined {
    const start = this.#waiting.get(run);
    this.#waiting.delete(run);
    return start;
  }
}
