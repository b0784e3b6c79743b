/**
 * Health: when a job's probes run, and what their results mean.
 *
 * Early probes (from the start to the first success, at most one interval) bring good news only. Later, a failing probe is
 * told at once, and the catalog gets `critical` when `fallAfter` has passed since the last good one as well.
 */
import type { Ms } from "../plan.ts";
import type { Id } from "./contract.ts";
import { askStop, emit, happen, log, say } from "./facts.ts";
import { kill, spawn } from "./runs.ts";
import { announce } from "./services.ts";
import type { JobState, ProbeState, State } from "./state.ts";
import { arm, disarm, nextTick } from "./timers.ts";

/** How much longer than its own limit (or one interval) the answer of a built-in probe may take. */
const answerSlack: Ms = 1000;

/** The job has begun to run: probes start anew. A job that runs over and over keeps those it has. */
export function beginProbes(core: State, own: JobState, cause: Id): void {
  const recurrent = own.job.start.every !== undefined || own.job.start.times > 1;
  for (const state of own.probes) {
    if (state.active && recurrent) continue;
    startProbe(core, own, state, cause);
  }
}

export function startProbe(core: State, own: JobState, state: ProbeState, cause: Id): void {
  if (state.busy) state.busy.stale = true;
  Object.assign(state, {
    active: true,
    early: true,
    base: core.now,
    lastGood: core.now,
    good: 0,
    bad: 0,
    critical: false,
  });
  state.status = "unknown";
  disarm(core, { t: "lapse", of: state.probe.id });
  if (core.maintenance) return;
  announceInitial(core, own, state, cause);
  runProbe(core, own, state, cause);
}

/** Registration before the first good probe, where the configuration has a status for it. */
export function announceInitial(core: State, own: JobState, state: ProbeState, cause: Id): void {
  const initial = state.probe.service?.initial;
  if (initial && state.service && !state.service.want) announce(core, own, state.service, initial, cause);
}

/** Ends all probing of a job; what is under way is killed and its result does not count. */
export function stopProbes(core: State, own: JobState, cause: Id): void {
  for (const state of own.probes) {
    state.active = false;
    pauseProbe(core, state);
    const run = state.busy?.run !== undefined ? core.runs.get(state.busy.run) : undefined;
    if (!run || run.killed || run.gone) continue;
    run.ending ??= "stop";
    kill(core, run, cause);
  }
}

/** No further probe and no news from the one under way, until it is started again. */
export function pauseProbe(core: State, state: ProbeState): void {
  const of = state.probe.id;
  disarm(core, { t: "probe", of }, { t: "lapse", of }, { t: "unanswered", of });
  state.missed = false;
  if (!state.busy) return;
  state.busy.stale = true;
  if (state.busy.run === undefined) delete state.busy;
}

/** The timer `probe`. */
export function runProbe(core: State, own: JobState, state: ProbeState, cause: Id): void {
  if (!state.active || core.maintenance) return;
  const { probe } = state;
  if (core.now >= scheduleOf(state, core.now).window) state.early = false;
  if (state.busy) {
    state.missed = true;
    return;
  }
  const attempt = ++state.attempt;
  switch (probe.how) {
    case "always":
      good(core, own, state, cause);
      break;
    case "exec":
      state.busy = { early: state.early, stale: false };
      state.busy.run = spawn(core, own, cause, probe.timeout, { probe: probe.id });
      break;
    case "builtin":
      state.busy = { early: state.early, stale: false };
      emit(core, cause, { t: "probe", probe: probe.id, attempt, timeout: probe.timeout });
      arm(
        core,
        { t: "unanswered", of: probe.id },
        core.now + Math.min(probe.timeout, probe.every) + answerSlack,
        cause,
      );
      break;
    default:
      probe.how satisfies never;
  }
  arm(core, { t: "probe", of: probe.id }, scheduleOf(state, core.now).next, cause);
}

/** End of the early time, and the next probe's moment: `startEvery` apart early, the original's phase afterwards. */
function scheduleOf(state: ProbeState, now: Ms): { window: Ms; next: Ms } {
  const { every, first, startEvery, startPeriod } = state.probe;
  const window = state.base + Math.max(first, startPeriod);
  const regular = nextTick(state.base + first - every, every, now);
  return { window, next: state.early && now < window ? Math.min(now + startEvery, window) : regular };
}

/** The answer to a probe that is under way: by the end of its run, by `probed`, or by nobody in time. */
export function probeOver(core: State, own: JobState, state: ProbeState, ok: boolean, cause: Id): void {
  const { busy } = state;
  if (!busy) return;
  delete state.busy;
  disarm(core, { t: "unanswered", of: state.probe.id });
  if (!busy.stale && state.active && !core.maintenance) {
    if (ok) {
      const wasEarly = state.early;
      good(core, own, state, cause);
      if (wasEarly) arm(core, { t: "probe", of: state.probe.id }, scheduleOf(state, core.now).next, cause);
    } else if (!busy.early) bad(core, own, state, cause);
  }
  if (!state.missed) return;
  state.missed = false;
  runProbe(core, own, state, cause);
}

/** The timer `unanswered`. */
export function unanswered(core: State, own: JobState, state: ProbeState, cause: Id): void {
  log(core, cause, "warn", "unanswered", { job: own.job.id, probe: state.probe.id });
  probeOver(core, own, state, false, cause);
}

function good(core: State, own: JobState, state: ProbeState, cause: Id): void {
  state.early = false;
  state.good++;
  state.bad = 0;
  state.lastGood = core.now;
  disarm(core, { t: "lapse", of: state.probe.id });
  if (state.status !== "healthy" && state.good < state.probe.rise) return;
  state.status = "healthy";
  state.critical = false;
  if (state.service) announce(core, own, state.service, "passing", cause);
  if (own.probes.some((other) => other.status !== "healthy")) return;
  own.health = "healthy";
  say(core, cause, { fact: "healthy", source: own.job.id });
}

function bad(core: State, own: JobState, state: ProbeState, cause: Id): void {
  state.good = 0;
  state.bad++;
  if (state.bad < state.probe.fall) return;
  state.status = "unhealthy";
  own.health = "unhealthy";
  const id = say(core, cause, { fact: "unhealthy", source: own.job.id });
  const at = state.lastGood + state.probe.fallAfter;
  if (core.now >= at) lapse(core, own, state, id);
  else arm(core, { t: "lapse", of: state.probe.id }, at, id);
}

/** Failing, and long enough since the last good probe: the catalog is told, once. */
export function lapse(core: State, own: JobState, state: ProbeState, cause: Id): void {
  if (state.critical || state.status !== "unhealthy" || core.maintenance) return;
  state.critical = true;
  log(core, cause, "warn", "unhealthy", { job: own.job.id, probe: state.probe.id });
  if (state.service?.want) announce(core, own, state.service, "critical", cause);
  const { onUnhealthy } = state.probe;
  if (onUnhealthy === "stopContainer") askStop(core, cause, { by: "unhealthy", job: own.job.id });
  else if (onUnhealthy === "restart") happen(core, own.job.id, cause, { t: "leave", next: "restart" });
}
