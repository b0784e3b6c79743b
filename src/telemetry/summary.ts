import { Summary } from "prom-client";

const QUANTILES = [0.5, 0.9, 0.99];
const WINDOW_MS = 10 * 60_000;
/** Of more values than this the newest are kept: the window is then shorter than 10 minutes. 17 a second fill it. */
const VALUES_MAX = 10_000;

/**
 * A summary whose quantiles are those of the last 10 minutes: exact, each a value that was observed; NaN for an empty window,
 * as Go prints it. Sum and count are of all values ever.
 *
 * prom-client's own quantiles are not used. For few distinct values its digest gives what was never observed (62 as the
 * median of three times 1 and five times 100); its window counts early values several times over, follows jumps of the
 * wall clock, and gives 0 as a quantile of nothing.
 */
export class WindowSummary extends Summary {
  readonly #now: () => number;
  /** Oldest first. */
  readonly #window: { at: number; value: number }[] = [];
  #sum = 0;
  #count = 0;

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(name: string, help: string, now: () => number) {
    super({ name, help, percentiles: [], registers: [] });
    this.#now = now;
  }

  /** `value`: finite. */
  add(value: number): void {
    this.#window.push({ at: this.#now(), value });
    this.#forget();
    this.#sum += value;
    this.#count += 1;
  }

  override async get(): ReturnType<Summary["get"]> {
    this.#forget();
    const sorted = Float64Array.from(this.#window, ({ value }) => value).sort();
    const family = await super.get();
    return {
      ...family,
      values: [
        ...QUANTILES.map((quantile) => ({ labels: { quantile }, value: quantileOf(sorted, quantile) })),
        { metricName: `${family.name}_sum`, labels: {}, value: this.#sum },
        { metricName: `${family.name}_count`, labels: {}, value: this.#count },
      ],
    };
  }

  #forget(): void {
    const from = this.#now() - WINDOW_MS;
    const young = this.#window.findIndex(({ at }) => at > from);
    const old = young === -1 ? this.#window.length : young;
    this.#window.splice(0, Math.max(old, this.#window.length - VALUES_MAX));
  }
}

/** The smallest value that at least this share of the values does not exceed (nearest rank); NaN of none. */
function quantileOf(sorted: Float64Array, quantile: number): number {
  return sorted[Math.max(Math.ceil(quantile * sorted.length) - 1, 0)] ?? Number.NaN;
}
