import { Counter } from "prom-client";

/** Reaped orphans by the name of the program, as far as they were counted by now. */
export type ReadOrphans = () => readonly { comm: string; count: number }[];

/** Counted natively, and read at each scrape; absent until there is one. */
export function orphanMetric(readOrphans: ReadOrphans): Counter {
  return new Counter({
    name: "reaped_orphans_total",
    help: "Processes reaped whose parent had ended before them, by program.",
    labelNames: ["comm"],
    registers: [],
    collect() {
      this.reset();
      for (const { comm, count } of readOrphans()) this.inc({ comm }, count);
    },
  });
}
