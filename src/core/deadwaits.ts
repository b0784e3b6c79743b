/**
 * Dead waits: while something stops, a job is done as soon as no set of facts that can still come satisfies its condition.
 * A least fixpoint over the waiting jobs, so that jobs which wait for each other end too.
 */
import type { JobId, Leaf } from "../plan.ts";
import { satisfied } from "./conditions.ts";
import type { JobState, State } from "./state.ts";

/** What stops: all of the container, or the jobs that a reload takes away. */
function isLeaving(core: State, id: JobId): boolean {
  return core.life === "stopping" || core.reload?.leaving.has(id) === true;
}

/**
 * Whether a job is kept for the stop that begins now or is under way: it hooks into one that is still to come or has just
 * come. A job that `stopped` of another started before is an ordinary one.
 */
export function staysForStop(core: State, own: JobState): boolean {
  if (!own.hook || own.phase === "done" || own.phase === "stopping") return false;
  if (own.phase === "waiting" || own.startsLeft > 0) return true;
  if (own.begunFor !== undefined && own.begunFor === own.run) return true;
  if (own.cause > (core.stop?.cause ?? core.reload?.cause ?? Number.POSITIVE_INFINITY)) return true;
  return own.leaves.some((leaf) => core.jobs.get(leaf.source)?.phase === "stopping");
}

/** The jobs that wait for what cannot come, in the Plan's order. */
export function deadWaits(core: State): JobState[] {
  const waiting: JobState[] = [];
  for (const id of core.waiting) {
    const own = core.jobs.get(id);
    if (own?.hook && isLeaving(core, id)) waiting.push(own);
  }
  if (waiting.length === 0) return [];
  const live = new Set<JobId>();
  for (let before = -1; before < live.size; ) {
    before = live.size;
    for (const own of waiting) if (!live.has(own.job.id) && mayRun(core, own, live)) live.add(own.job.id);
  }
  const dead = waiting.filter((own) => !live.has(own.job.id));
  return dead.sort((a, b) => core.plan.jobs.indexOf(a.job) - core.plan.jobs.indexOf(b.job));
}

function mayRun(core: State, own: JobState, live: ReadonlySet<JobId>): boolean {
  if (own.startsLeft <= 0) return false;
  return satisfied(own.job.start.on, (leaf, number) => own.seen[number] !== undefined || mayCome(core, leaf, live));
}

/** Whether a fact can still come, if only the jobs in `live` of those that wait will run. */
export function mayCome(core: State, leaf: Leaf, live: ReadonlySet<JobId>): boolean {
  const source = core.jobs.get(leaf.source);
  if (!source || source.phase === "done" || (source.phase === "waiting" && !live.has(leaf.source))) return false;
  switch (leaf.fact) {
    case "stopping":
      return isLeaving(core, leaf.source) && tellsStopping(source) && turnComes(core, source, live);
    case "stopped":
      if (!isLeaving(core, leaf.source)) return false;
      return turnComes(core, source, live) && endsItsHooks(core, source, live);
    case "exitSuccess":
    case "exitFailed":
    case "gaveUp":
    case "ready":
      if (source.phase === "stopping" && source.run === undefined) return false;
      return source.hook || (turnComes(core, source, live) && endsItsHooks(core, source, live));
    default:
      return false;
  }
}

/** A hook ends by itself, and tells `stopping` only where hooks of what is gone are wanted. */
function tellsStopping(source: JobState): boolean {
  return source.phase !== "stopping" && (!source.hook || source.job.stop.hooksEvenIfGone);
}

/** The stop gets to the source's rank: no job of a lower one is held for ever by hooks that never run. */
function turnComes(core: State, source: JobState, live: ReadonlySet<JobId>): boolean {
  const { rank } = source.job.stop;
  if (core.life !== "stopping" || rank <= (core.stop?.rank ?? 0)) return true;
  for (const id of core.active) {
    const own = core.jobs.get(id);
    if (own && own.phase === "stopping" && own.job.stop.rank < rank && !endsItsHooks(core, own, live)) return false;
  }
  return true;
}

/** None of the hooks that it waits for waits for something that cannot come. */
function endsItsHooks(core: State, source: JobState, live: ReadonlySet<JobId>): boolean {
  for (const id of source.stop?.waitsFor ?? []) {
    if (core.jobs.get(id)?.phase === "waiting" && !live.has(id)) return false;
  }
  return true;
}
