/**
 * The beginning: a Plan is put in place and told to start, or to go on where an earlier runtime left.
 */
import type { Input } from "./contract.ts";
import { newJobState } from "./fresh.ts";
import { attend, indexPlan, remind } from "./install.ts";
import type { State } from "./state.ts";

/** Puts the Plan in place; nothing starts yet. */
export function bootPlan(core: State, { plan, seed, id, rebirth }: Extract<Input, { t: "boot" }>): void {
  core.life = "running";
  core.random = seed | 0;
  core.lastRun = rebirth?.lastRun ?? 0;
  for (const job of plan.jobs) core.jobs.set(job.id, newJobState(job, core.now, id));
  for (const watch of plan.watches) {
    core.watches.set(watch.id, { watch, wanted: false, on: false, revision: 0, count: 0 });
  }
  indexPlan(core, plan);
  attend(core, core.jobs.keys(), id);
  remind(core, id);
}
