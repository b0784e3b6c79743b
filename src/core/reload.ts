/**
 * Reload: what has to stop stops first, then the new Plan is put in place as a whole. A refused Plan changes nothing.
 */
import type { JobId, Plan } from "../plan.ts";
import type { Id, Input, RequestId } from "./contract.ts";
import { staysForStop } from "./deadwaits.ts";
import { emit, happen, log, say } from "./facts.ts";
import { codeOf, jobState, leavesOf, newJobState, newProbeState } from "./fresh.ts";
import { attend, catchUpWatches, indexPlan, remind, startIfSatisfied } from "./install.ts";
import { pauseProbe, startProbe } from "./probes.ts";
import { kill } from "./runs.ts";
import { announceAgain, isWithdrawing } from "./services.ts";
import type { Diff, JobState, ProbeState, Reload, State, WatchState } from "./state.ts";
import { arm, disarm } from "./timers.ts";

/** Somebody asks for a reload, or to see what one would do. Requests by signal coalesce to one more. */
export function askLoad(core: State, request: RequestId, dry: boolean, cause: Id): void {
  const under = core.loads.get(request);
  if (under) {
    under.again = true;
    return;
  }
  if (core.life !== "running") {
    reply(core, cause, request, false, "stopping");
    return;
  }
  core.loads.set(request, { dry, again: false });
  if (!dry) log(core, cause, "info", "reloading");
  emit(core, cause, { t: "load", request });
}

function reply(core: State, cause: Id, request: RequestId, ok: boolean, body: unknown): void {
  if (request !== 0) emit(core, cause, { t: "reply", request, ok, body });
}

/** The load that an answer belongs to, taken off the list; one that was asked for meanwhile follows. */
function takeLoad(core: State, request: RequestId, cause: Id): { dry: boolean } | undefined {
  const load = core.loads.get(request);
  if (!load) {
    core.stale++;
    return undefined;
  }
  core.loads.delete(request);
  if (load.again) askLoad(core, request, load.dry, cause);
  return load;
}

export function planRefused(core: State, input: Extract<Input, { t: "planRefused" }>): void {
  const load = takeLoad(core, input.request, input.id);
  if (!load) return;
  if (!load.dry) log(core, input.id, "error", "reloadRefused");
  reply(core, input.id, input.request, false, "refused");
}

export function planned(core: State, input: Extract<Input, { t: "planned" }>): void {
  const { plan, request, id } = input;
  const load = takeLoad(core, request, id);
  if (!load) return;
  if (load.dry) reply(core, id, request, true, diffOf(core.plan, plan));
  else beginReload(core, plan, request, id);
}

/** What a reload keeps, restarts, adds and takes away. */
export function diffOf(old: Plan, plan: Plan): Diff {
  const diff: Diff = { kept: [], restarted: [], added: [], gone: [] };
  const before = new Map(old.jobs.map((job) => [job.id, job]));
  for (const job of plan.jobs) {
    const was = before.get(job.id);
    const changed = job.onReload === "ifChanged" && was?.print !== job.print;
    if (!was) diff.added.push(job.id);
    else if (changed || job.onReload === "restart") diff.restarted.push(job.id);
    else diff.kept.push(job.id);
    before.delete(job.id);
  }
  diff.gone = [...before.keys()];
  return diff;
}

/** A Plan that comes while another one waits takes its place: what has been told to stop stops for both. */
function beginReload(core: State, plan: Plan, request: RequestId, cause: Id, rollback?: JobId): void {
  const before = core.reload;
  for (const other of [core.settling, before]) if (other) reply(core, cause, other.request, false, "superseded");
  delete core.settling;
  disarm(core, { t: "settle" });
  const diff = diffOf(core.plan, plan);
  const stopped = diff.kept.filter((id) => before?.leaving.has(id));
  diff.kept = diff.kept.filter((id) => !stopped.includes(id));
  diff.restarted.push(...stopped);
  const leaving = new Set([...(before?.leaving ?? []), ...diff.restarted, ...diff.gone]);
  const anew = plan.jobs.every((job) => job.onReload === "restart");
  core.reload = { plan, request, cause, diff, leaving, anew, ...(rollback !== undefined && { rollback }) };
  core.dirty = true;
  if (anew && !before?.anew) say(core, cause, { fact: "shutdown", source: "global" });
  for (const id of leaving) {
    if (before?.leaving.has(id) || staysForStop(core, jobState(core, id))) continue;
    happen(core, id, cause, { t: "leave", next: "done" });
  }
}

/** Puts the new Plan in place when everything that has to be gone is gone. True when there is new work in the queue. */
export function settleReload(core: State, deadWaits: readonly JobState[]): boolean {
  const { reload } = core;
  if (!reload) return false;
  for (const own of deadWaits) happen(core, own.job.id, reload.cause, { t: "leave", next: "done" });
  if (deadWaits.length > 0) return true;
  for (const id of reload.leaving) {
    const own = jobState(core, id);
    if (own.phase !== "done" || isWithdrawing(own)) return false;
  }
  for (const run of core.runs.values()) if (reload.leaving.has(run.job)) return false;
  swap(core, reload);
  return true;
}

function swap(core: State, reload: Reload): void {
  const { plan, diff, cause, request } = reload;
  const old = core.plan;
  delete core.reload;
  const fresh = new Set([...diff.restarted, ...diff.added]);
  const changed: JobState[] = [];
  const jobs = new Map<JobId, JobState>();
  for (const job of plan.jobs) {
    const own = fresh.has(job.id) ? newJobState(job, core.now, cause) : jobState(core, job.id);
    jobs.set(job.id, own);
    if (!fresh.has(job.id) && own.job.print !== job.print) changed.push(own);
    // What belongs to the container's start is not started by a reload.
    if (diff.added.includes(job.id) && job.onReload === "keep") own.phase = "done";
  }
  const byId = new Map(plan.jobs.map((job) => [job.id, job]));
  for (const own of changed) redefine(core, own, byId.get(own.job.id) ?? own.job, cause);
  const watches = newWatches(core, plan, cause, reload.anew);
  core.jobs = jobs;
  core.watches = watches;
  indexPlan(core, plan);
  if (old.print !== plan.print) emit(core, cause, { t: "use", print: plan.print });
  for (const own of changed) restartProbes(core, own, cause);
  attend(core, fresh, cause);
  if (reload.anew) say(core, cause, { fact: "startup", source: "global" });
  else {
    catchUpWatches(core, cause);
    for (const own of jobs.values()) {
      const isNew = fresh.has(own.job.id) || changed.includes(own);
      if (isNew && own.phase === "waiting") startIfSatisfied(core, own, cause);
    }
  }
  if (old.print !== plan.print) remind(core, cause);
  report(core, reload, old);
  const { rollback } = reload;
  if (rollback !== undefined) reply(core, cause, request, false, { rolledBack: rollback });
  else if (core.settling === undefined) reply(core, cause, request, true, diff);
}

/** The log's line, and the wait for the new jobs to become healthy. */
function report(core: State, reload: Reload, old: Plan): void {
  const { diff, plan, cause, request } = reload;
  const { kept, restarted, added, gone } = diff;
  const about = { kept: kept.length, restarted: restarted.length, added: added.length, gone: gone.length };
  log(core, cause, "info", "reloaded", about);
  if (plan.settle <= 0 || reload.rollback !== undefined || restarted.length + added.length === 0) return;
  core.settling = { old, request, diff };
  arm(core, { t: "settle" }, core.now + plan.settle, cause);
}

/** The timer `settle`: new jobs that failed or are not healthy by now mean the old Plan again. */
export function settleOver(core: State, cause: Id): void {
  const { settling } = core;
  if (!settling) return;
  delete core.settling;
  const bad = [...settling.diff.restarted, ...settling.diff.added].find((id) => {
    const own = core.jobs.get(id);
    const failed = own?.phase === "done" && codeOf(own.past.at(-1)?.how ?? { code: 0 }) !== 0;
    return failed || (own !== undefined && own.probes.length > 0 && own.everRan && own.health !== "healthy");
  });
  if (bad === undefined) {
    reply(core, cause, settling.request, true, settling.diff);
    return;
  }
  log(core, cause, "error", "rolledBack", { job: bad });
  beginReload(core, settling.old, settling.request, cause, bad);
}

/** A kept job under its new definition: it runs on; its probes are compared one by one. */
function redefine(core: State, own: JobState, job: JobState["job"], cause: Id): void {
  own.remembered = undefined;
  const fresh = newJobState(job, core.now, cause);
  if (own.phase === "waiting" && !own.everRan) own.startsLeft = job.start.times;
  Object.assign(own, { job, leaves: leavesOf(job.start.on), seen: fresh.seen, hook: fresh.hook });
  const before = new Map(own.probes.map((state) => [state.probe.id, state]));
  own.probes = job.probes.map((probe) => {
    const was = before.get(probe.id);
    const same = was !== undefined && JSON.stringify(was.probe) === JSON.stringify(probe);
    if (was && same) {
      before.delete(probe.id);
      return was;
    }
    const state = newProbeState(probe);
    if (was?.service && state.service?.id === was.service.id) {
      Object.assign(state.service, was.service);
      delete was.service;
    }
    return state;
  });
  for (const state of before.values()) dropProbe(core, state, cause);
}

function dropProbe(core: State, state: ProbeState, cause: Id): void {
  pauseProbe(core, state);
  const run = core.runs.get(state.busy?.run ?? 0);
  if (run && !run.killed && !run.gone) {
    run.ending = "stop";
    kill(core, run, cause);
  }
  const { service } = state;
  if (!service) return;
  if (service.withdrawing) core.withdrawing--;
  if (!service.want) return;
  log(core, cause, "info", "deregistering", { service: service.id });
  emit(core, cause, { t: "withdraw", service: service.id });
}

/** New probes of a kept job that runs begin; unchanged services are wished again, for their definition may have changed. */
function restartProbes(core: State, own: JobState, cause: Id): void {
  const runs = own.phase === "running" || own.phase === "lingering" || own.phase === "delayed";
  for (const state of own.probes) {
    if (state.active) {
      if (state.service) announceAgain(core, own, state.service, cause);
    } else if (runs && own.everRan) startProbe(core, own, state, cause);
  }
}

/** `anew`: what is there is told once more, to jobs that begin once more. */
function newWatches(core: State, plan: Plan, cause: Id, anew: boolean): Map<string, WatchState> {
  const watches = new Map<string, WatchState>();
  for (const watch of plan.watches) {
    const was = core.watches.get(watch.id);
    if (!anew && was?.watch.print === watch.print) watches.set(watch.id, was);
    else watches.set(watch.id, { watch, wanted: false, on: false, ...(anew && { anew }), revision: 0, count: 0 });
  }
  for (const [id, was] of core.watches) {
    if (was.on && watches.get(id) !== was) emit(core, cause, { t: "watch", watch: id, on: false });
  }
  return watches;
}
