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
  for (const own of core.jobs.values()) {
    if (own.phase === "done" || !own.leaves.some((leaf) => leaf.fact === "stopped" && leaf.source === source)) continue;
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

/** Longest time for a hook that starts now: its own limit, its share, and after a second request its source's grace. */
export function hookBound(core: State, own: JobState): Ms {
  if (!core.stop || !own.hook) return own.job.timeout;
  let bound = own.job.timeout;
  for (const leaf of own.leaves) {
    const source = core.jobs.get(leaf.source);
    if (!source || (leaf.fact !== "stopping" && leaf.fact !== "stopped")) continue;
    if (core.stop.hurry) bound = Math.min(bound, Math.max(source.job.stop.grace, hurriedHookLeast));
    const owed = laterRanks(core, source.job.stop.rank) + core.plan.stop.strays;
    bound = Math.min(
      bound,
      share(bound, timeLeft(core), owed + (leaf.fact === "stopping" ? source.job.stop.grace : 0)),
    );
  }
  return bound;
}
