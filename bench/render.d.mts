/** `bench/results.json`, as bench/run writes it. */
export const resultsFile: string;
/** `docs/performance.md`. */
export const page: string;

/** The page of such results. */
export function render(results: {
  date: string;
  machine: string;
  /** Smallest and greatest load average while it ran. */
  load: [number, number];
  measures: {
    name: string;
    title: string;
    unit: string;
    rows: { name: string; n: number; median: number; ratio?: number }[];
  }[];
}): string;
