import type { Ms } from "../plan.ts";
import { now } from "./clock.ts";

/** setTimeout takes no more (2^31 - 1); a longer wait is armed again when this one has passed. */
const TIMEOUT_MAX = 2 ** 31 - 1;

/** The one real timer. */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings once at this moment instead of the last one given, or (undefined) never; perhaps earlier. */
  arm(deadline: Ms | undefined): void {
    clearTimeout(this.#timer);
    if (deadline === undefined) return;
    this.#timer = setTimeout(this.#ring, Math.min(Math.max(deadline - now(), 0), TIMEOUT_MAX));
  }

  /** Keeps the event loop, which the doorbell does not hold open, without ever waking it. */
  hold(): void {
    setInterval(() => undefined, TIMEOUT_MAX);
  }
}
