/**
 * Putting a Plan in place: the indexes over it, and what new jobs find already to be true.
 */
import type { JobId, Leaf, Plan } from "../plan.ts";
import { hooksOf, listenersOf, satisfied, unknownSources } from "./conditions.ts";
import type { Id } from "./contract.ts";
import { count, happen, log } from "./facts.ts";
import { codeOf } from "./fresh.ts";
import type { JobState, State } from "./state.ts";
import { arm, disarm } from "./timers.ts";
import { setWatch } from "./watches.ts";

const remindEvery = 30_000;

/** Indexes the Plan; jobs and watches of the state are already its own. */
export function indexPlan(core: State, plan: Plan): void {
  core.plan = plan;
  core.listeners = listenersOf(plan);
  core.hooks = hooksOf(plan);
  core.probes = new Map();
  core.services = new Map();
  core.active = new Set();
  core.waiting = new Set();
  core.busy = new Map();
  for (const own of core.jobs.values()) {
    count(core, own, 1);
    for (const { probe } of own.probes) {
      core.probes.set(probe.id, own.job.id);
      if (probe.service) core.services.set(probe.service.id, probe.id);
    }
  }
}

/** Whether a fact has come and still tells the truth, for a job that was not there when it came. */
export function holdsNow(core: State, leaf: Leaf): boolean {
  const source = core.jobs.get(leaf.source);
  const watch = core.watches.get(leaf.source);
  switch (leaf.fact) {
    case "startup":
      return leaf.source === "global";
    case "exitSuccess":
    case "exitFailed": {
      if (source?.phase !== "done") return false;
      const last = source.past.at(-1);
      return (last === undefined || codeOf(last.how) === 0) === (leaf.fact === "exitSuccess");
    }
    case "stopped":
      return source?.phase === "done" && leaf.only !== "ran";
    case "healthy":
    case "unhealthy":
      if (watch && watch.revision > 0) return watch.count > 0 === (leaf.fact === "healthy");
      return source?.health === leaf.fact;
    default:
      return false;
  }
}

/** Lets a job that has come later see what is true already; true when that satisfies its condition. */
export function catchUp(core: State, own: JobState, id: Id): boolean {
  if (own.job.start.hold && holdsNow(core, own.job.start.hold)) own.released = true;
  // A job that waits for each occurrence does not wait for those that are past.
  if (own.job.start.times === Number.POSITIVE_INFINITY) return false;
  own.remembered = undefined;
  own.seen = own.leaves.map((leaf) => (holdsNow(core, leaf) ? id : undefined));
  if (!satisfied(own.job.start.on, (_, number) => own.seen[number] !== undefined)) return false;
  own.seen.fill(undefined);
  return true;
}

/** Switches watches on whose first fact is past. */
export function catchUpWatches(core: State, cause: Id): void {
  for (const state of core.watches.values()) {
    state.wanted ||= holdsNow(core, state.watch.from);
    setWatch(core, state, cause);
  }
}

/** It starts with the container: what it cannot start is not announced either. */
export function startsAtOnce({ job }: JobState): boolean {
  return satisfied(job.start.on, (leaf) => leaf.fact === "startup");
}

/** Jobs that have just come into the Plan: their start timeouts run from now on, and what does not wait for their start. */
export function attend(core: State, jobs: Iterable<JobId>, cause: Id): void {
  for (const id of jobs) {
    const own = core.jobs.get(id);
    const bound = own?.job.start.within;
    if (bound) arm(core, { t: "within", of: id }, core.now + bound.ms, cause);
    const idle = own?.job.probes.some((probe) => probe.whileIdle || (probe.service?.initial && !startsAtOnce(own)));
    if (idle) happen(core, id, cause, { t: "idle" });
  }
}

export function startIfSatisfied(core: State, own: JobState, cause: Id): void {
  if (catchUp(core, own, cause)) happen(core, own.job.id, cause, { t: "trigger" });
}

/** Names the sources that no job, watch or probe has, now and every half minute. */
export function remind(core: State, cause: Id): void {
  const unknown = unknownSources(core).filter(([job]) => core.jobs.get(job)?.phase === "waiting");
  for (const [job, source] of unknown) log(core, cause, "warn", "waitsForUnknown", { job, source });
  if (unknown.length > 0) arm(core, { t: "remind" }, core.now + remindEvery, cause);
  else disarm(core, { t: "remind" });
}
