/**
 * How long a step of the stop may take, when `stop.within` caps the whole of it.
 */
import type { JobId, Ms } from "../plan.ts";
import type { JobState, State } from "./state.ts";

/** What a stage keeps at least of what is left, however much the later ones are owed. */
const leastShare = 1 / 4;
/** Kept back before the deadline, to kill and to see the ends. */
const killReserve: Ms = 500;
/** Time of a hook that begins after the second request to stop, when its source has no grace. */
const hurriedHookLeast: Ms = 1000;

/** min(own bound, what is left less what later stages are owed), but never less than a quarter of what is left. */
export function share(own: Ms, left: Ms, owed: Ms): Ms {
  return Math.max(0, Math.min(own, Math.max(left - owed, left * leastShare)));
}

/** From the deadline back: the moment at which everything that is left is killed. */
export function killReserveOf(within: Ms): Ms {
  return Math.min(killReserve, within / 10);
}

/** What is left of `stop.within`, the reserve for killing taken off; Infinity without one or when nothing stops. */
export function timeLeft(core: State): Ms {
  if (!core.stop) return Number.POSITIVE_INFINITY;
  const { within } = core.plan.stop;
  return core.stop.at + within - killReserveOf(within) - core.now;
}

/** The longest `stopped` hook of a job, as far as its own limit says; without a limit a quarter of `within`. */
function afterShare(core: State, source: JobId): Ms {
  let longest = 0;
  for (const listener of core.listeners.get(`stopped ${source}`) ?? []) {
    const own = "job" in listener ? core.jobs.get(listener.job) : undefined;
    if (!own || own.phase === "done") continue;
    longest = Math.max(longest, Math.min(own.job.timeout, core.plan.stop.within * leastShare));
  }
  return longest;
}

/** Grace that the jobs of later ranks are owed. */
function laterRanks(core: State, rank: number): Ms {
  let longest = 0;
  for (const id of core.active) {
    const stop = core.jobs.get(id)?.job.stop;
    if (stop && stop.rank > rank) longest = Math.max(longest, stop.grace);
  }
  return longest;
}

/** Bound of a step of a job's stop. `graceToCome`: its stop signal is still owed its grace. */
export function boundOf(core: State, own: JobState, bound: Ms, graceToCome: boolean): Ms {
  const left = timeLeft(core);
  if (left === Number.POSITIVE_INFINITY) return bound;
  const { stop, id } = own.job;
  const owed = afterShare(core, id) + laterRanks(core, stop.rank) + core.plan.stop.strays;
  return share(bound, left, owed + (graceToCome ? stop.grace : 0));
}

/** Time for a job's `stopping` hooks. Those that begin after the second request to stop have as long as its grace. */
export function hooksBound(core: State, own: JobState, graceToCome: boolean): Ms {
  const { hookMax, grace } = own.job.stop;
  const bound = core.stop?.hurry ? Math.min(hookMax, Math.max(grace, hurriedHookLeast)) : hookMax;
  return boundOf(core, own, bound, graceToCome);
}

/** Its stop has not passed the step that waits for hooks. */
function hooksToCome({ stop, job }: JobState): boolean {
  const hooks = job.stop.order.indexOf("hooks");
  return stop !== undefined && hooks >= 0 && stop.at <= hooks;
}

/**
 * A run's time. limit: until its group is killed. left: what a hook may count on, which the step of its source ends as well.
 */
export function runBound(core: State, own: JobState): { limit: Ms; left: Ms } {
  let limit = own.job.timeout;
  let left = limit;
  if (!core.stop || !own.hook) return { limit, left };
  for (const leaf of own.leaves) {
    const source = core.jobs.get(leaf.source);
    if (!source) continue;
    if (leaf.fact === "stopping" && hooksToCome(source)) left = Math.min(left, hooksBound(core, source, true));
    else if (leaf.fact === "stopping" || leaf.fact === "stopped") {
      if (core.stop.hurry) limit = Math.min(limit, Math.max(source.job.stop.grace, hurriedHookLeast));
      limit = share(limit, timeLeft(core), laterRanks(core, source.job.stop.rank) + core.plan.stop.strays);
    }
  }
  return { limit, left: Math.min(limit, left) };
}
