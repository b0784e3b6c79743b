/**
 * Start conditions: n of a list, leaves latched until the start they cause.
 */
import type { Cond, JobId, Leaf, Plan } from "../plan.ts";
import type { Fact, Id } from "./contract.ts";
import { leavesOf } from "./fresh.ts";
import type { JobState, Listener, State } from "./state.ts";

/** Whether the condition holds, when `holds` tells so of each leaf (numbered depth first). */
export function satisfied(on: Cond, holds: (leaf: Leaf, number: number) => boolean): boolean {
  let number = 0;
  const test = (cond: Cond): boolean => {
    if (!("of" in cond)) return holds(cond, number++);
    let held = 0;
    for (const part of cond.of) if (test(part)) held++;
    return held >= cond.atLeast;
  };
  return test(on);
}

export function matches(leaf: Leaf, fact: Fact): boolean {
  if (leaf.fact !== fact.fact || leaf.source !== fact.source) return false;
  return leaf.only === undefined || (leaf.only === "asked" ? fact.asked === true : fact.ran === true);
}

/** Notes a fact at one leaf; true when it completes the condition, which then starts to wait anew. */
export function note(own: JobState, leaf: number, id: Id): boolean {
  own.remembered = undefined;
  own.seen[leaf] = id;
  if (!satisfied(own.job.start.on, (_, number) => own.seen[number] !== undefined)) return false;
  own.seen.fill(undefined);
  return true;
}

/** Who listens to what, by `fact source`, in the Plan's order: one event costs its listeners and nobody else. */
export function listenersOf(plan: Plan): Map<string, Listener[]> {
  const all = new Map<string, Listener[]>();
  const add = (leaf: Leaf, listener: Listener): void => {
    const key = `${leaf.fact} ${leaf.source}`;
    const those = all.get(key);
    if (those) those.push(listener);
    else all.set(key, [listener]);
  };
  for (const watch of plan.watches) add(watch.from, { watch: watch.id });
  for (const job of plan.jobs) {
    if (job.start.hold) add(job.start.hold, { hold: job.id });
    leavesOf(job.start.on).forEach((leaf, number) => {
      add(leaf, { job: job.id, leaf: number });
    });
  }
  return all;
}

/** The jobs that wait for a job's `stopping`, by that job. A hook without a process never ends and is waited for by nobody. */
export function hooksOf(plan: Plan): Map<JobId, JobId[]> {
  const all = new Map<JobId, JobId[]>();
  for (const job of plan.jobs) {
    if (!job.exec) continue;
    for (const leaf of leavesOf(job.start.on)) {
      if (leaf.fact !== "stopping" || leaf.source === job.id) continue;
      const those = all.get(leaf.source) ?? [];
      if (!those.includes(job.id)) those.push(job.id);
      all.set(leaf.source, those);
    }
  }
  return all;
}

/** Sources of a condition that name nothing in the Plan: `[job, source]`. Catalog-free facts have sources of their own. */
export function unknownSources(core: State): [JobId, string][] {
  const unknown: [JobId, string][] = [];
  for (const own of core.jobs.values()) {
    for (const leaf of own.leaves) {
      const known =
        leaf.fact === "signal" || leaf.fact === "rendered" || leaf.source === "global" || core.jobs.has(leaf.source);
      if (known || core.watches.has(leaf.source) || core.probes.has(leaf.source)) continue;
      if (leaf.source.startsWith("secret.")) continue;
      unknown.push([own.job.id, leaf.source]);
    }
  }
  return unknown;
}
