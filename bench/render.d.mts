/** `bench/results.json`, as bench/run writes it. */
export const resultsFile: string;
/** `bench/soak.json`, as the soak test writes it to the file of `SOAK_REPORT`. */
export const soakFile: string;
/** `docs/performance.md`. */
export const page: string;

/** How a soak went: first and last by tenths of the time, memory in KiB. */
export interface Soak {
  date: string;
  node: string;
  seconds: number;
  ends: number;
  orphans: number;
  timesUsual: number;
  reloads: number;
  rssKiB: { first: number; last: number; peak: number; tenths: number[] };
  threads: number[];
  descriptors: number[];
  zombiesPeak: number;
  zombiesLeft: number;
}

/** The page of such results. */
export function render(
  results: {
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
  },
  soak?: Soak,
): string;
