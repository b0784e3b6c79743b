/**
 * The stop of one job: its steps in its own order, then waiting until it is gone, group and all.
 */
import type { Ms } from "../plan.ts";
import { boundOf, hooksBound } from "./budget.ts";
import type { Id } from "./contract.ts";
import { finish } from "./ends.ts";
import { emit, enter, happen, log, say } from "./facts.ts";
import { codeOf, stepOf } from "./fresh.ts";
import { stopProbes } from "./probes.ts";
import { cutGrace, sigterm, terminate } from "./runs.ts";
import { isWithdrawing, withdraw } from "./services.ts";
import { again, hookOver, spent } from "./start.ts";
import type { JobState, Next, Run, State } from "./state.ts";
import { arm, disarm } from "./timers.ts";

/** The run of the job's process, while the process is there. */
export function liveRun(core: State, own: JobState): Run | undefined {
  const run = own.run === undefined ? undefined : core.runs.get(own.run);
  return run && !run.gone ? run : undefined;
}

/** Begins the stop. Its steps follow when everybody has been handed `stopping`. */
export function beginStop(core: State, own: JobState, cause: Id, asked: boolean, next: Next): void {
  const { id, stop } = own.job;
  const there = own.job.exec ? liveRun(core, own) !== undefined : own.phase === "running";
  own.pending = [];
  delete own.delay;
  for (const t of ["delay", "every", "within"] as const) disarm(core, { t, of: id });
  stopProbes(core, own, cause);
  own.stop = { asked, next, at: -1, there, waitsFor: new Set() };
  enter(core, own, "stopping", cause);
  const why =
    there || stop.hooksEvenIfGone
      ? say(core, cause, { fact: "stopping", source: id, ...(asked && { asked }) }, { passing: passes(core, own) })
      : cause;
  if (!there) withdraw(core, own, why, "deregistering");
  happen(core, id, why, { t: "proceed" });
}

/** The step that is being waited for is over, or never was: on to the next one that has something to wait for. */
export function proceed(core: State, own: JobState, cause: Id): void {
  const { stop } = own;
  if (!stop) return;
  endStep(core, own, cause);
  const { order } = own.job.stop;
  while (++stop.at < order.length) if (beginStep(core, own, cause)) return;
  stop.at = order.length;
  core.dirty = true;
  finishIfGone(core, own, cause);
}

/** Starts the current step; true when there is something to wait for. */
function beginStep(core: State, own: JobState, cause: Id): boolean {
  const step = stepOf(own);
  switch (step) {
    case "hooks":
      return beginHooks(core, own, cause);
    case "withdraw":
      withdraw(core, own, cause, "deregistering", boundOf(core, own, own.job.stop.withdrawMax, true));
      return isThere(core, own) && isWithdrawing(own);
    case "drain":
      return beginDrain(core, own, cause);
    case "signal":
      return beginSignal(core, own, cause);
    case "gone":
    case undefined:
      return false;
    default:
      return step satisfies never;
  }
}

function endStep(core: State, own: JobState, cause: Id): void {
  const of = own.job.id;
  const step = stepOf(own);
  if (step === "hooks") {
    own.stop?.waitsFor.clear();
    disarm(core, { t: "hookMax", of });
  } else if (step === "drain") {
    disarm(core, { t: "drainMax", of }, { t: "drainQuiet", of });
    emit(core, cause, { t: "count", job: of, on: false });
  }
}

/** The process is there; a job that runs without one is, until its stop is over. */
function isThere(core: State, own: JobState): boolean {
  return own.job.exec ? liveRun(core, own) !== undefined : own.stop?.there === true;
}

/**
 * Hooks that have been triggered are waited for, and during the stop of the container also those that still may be: what
 * can never come is found by the dead waits.
 */
function beginHooks(core: State, own: JobState, cause: Id): boolean {
  const { stop } = own;
  if (!stop) return false;
  const wanted = isThere(core, own) || own.job.stop.hooksEvenIfGone;
  const leaving = core.life === "stopping" || core.reload?.leaving.has(own.job.id) === true;
  for (const id of core.hooks.get(own.job.id) ?? []) {
    const hook = core.jobs.get(id);
    if (!hook || hook.phase === "done" || (hook.phase === "waiting" && !leaving)) continue;
    if (wanted) stop.waitsFor.add(id);
    if (hook.delay === "step") happen(core, id, cause, { t: wanted ? "release" : "hurry" });
  }
  if (stop.waitsFor.size === 0) return false;
  arm(core, { t: "hookMax", of: own.job.id }, core.now + hooksBound(core, own, isThere(core, own)), cause);
  return true;
}

function beginDrain(core: State, own: JobState, cause: Id): boolean {
  const { drain } = own.job.stop;
  if (!drain || core.stop?.hurry || !isThere(core, own)) return false;
  emit(core, cause, { t: "count", job: own.job.id, on: true });
  arm(core, { t: "drainMax", of: own.job.id }, core.now + boundOf(core, own, drain.max, true), cause);
  return true;
}

function beginSignal(core: State, own: JobState, cause: Id): boolean {
  const run = liveRun(core, own);
  if (!run) return false;
  const { grace } = own.job.stop;
  terminate(core, own, run, cause, "stop", grace <= 0 ? 0 : boundOf(core, own, grace, false));
  return true;
}

/** Established connections of a job that is draining: none for a quiet time ends the step. */
export function drained(core: State, own: JobState, open: number, cause: Id): void {
  const of = own.job.id;
  if (stepOf(own) !== "drain" || !own.job.stop.drain) return;
  if (open > 0) disarm(core, { t: "drainQuiet", of });
  else if (!core.timers.has(`drainQuiet ${of}`)) {
    arm(core, { t: "drainQuiet", of }, core.now + own.job.stop.drain.quiet, cause);
  }
}

/** One of the hooks has run, or never will. */
export function hookEnded(core: State, own: JobState, hook: string, cause: Id): void {
  if (stepOf(own) !== "hooks" || !own.stop?.waitsFor.delete(hook)) return;
  core.dirty = true;
  if (own.stop.waitsFor.size === 0) proceed(core, own, cause);
}

/** Ends the step `hooks` now: hooks that run are cut short, the others do not start. */
export function cutHooks(core: State, own: JobState, cause: Id): void {
  if (stepOf(own) !== "hooks" || !own.stop) return;
  for (const id of own.stop.waitsFor) {
    log(core, cause, "warn", "hookCut", { job: own.job.id, hook: id });
    happen(core, id, cause, { t: "hurry" });
  }
  proceed(core, own, cause);
}

/** A hook is cut short: TERM, and KILL a second later. */
export function cutRun(core: State, own: JobState, cause: Id): void {
  const run = liveRun(core, own);
  own.pending = [];
  if (run && run.ending !== "stop") terminate(core, own, run, cause, "stop", cutGrace, sigterm);
}

/** The process has ended while the job was stopping. */
export function endedInStop(core: State, own: JobState, cause: Id): void {
  const { stop } = own;
  if (!stop) return;
  withdraw(core, own, cause, "deregistering");
  const step = stepOf(own);
  if (step === "hooks" && own.job.stop.hooksEvenIfGone) return;
  if (step === "hooks") cutHooks(core, own, cause);
  else if (step === "gone") finishIfGone(core, own, cause);
  else if (step !== undefined) proceed(core, own, cause);
}

/** The end of the stop, when process and group are gone. */
export function finishIfGone(core: State, own: JobState, cause: Id): void {
  if (stepOf(own) !== "gone" || (own.run !== undefined && core.runs.has(own.run))) return;
  const { id } = own.job;
  const next = core.life === "running" ? own.stop?.next : "done";
  const passing = passes(core, own);
  const ran = own.everRan && own.job.exec;
  delete own.stop;
  delete own.run;
  if (next === "done") finish(core, own, cause);
  else enter(core, own, "waiting", cause);
  const told = say(core, cause, { fact: "stopped", source: id, ...(ran && { ran }) }, { passing });
  if (own.hook) hookOver(core, own, told);
  if (next === "again") happen(core, id, told, { t: "trigger", asked: true });
  if (next !== "restart") return;
  if (own.restartsLeft > 0) {
    again(core, own, told);
    return;
  }
  spent(core, own, told, codeOf(own.past.at(-1)?.how ?? { code: 1 }) || 1);
  finish(core, own, told);
}

/** It stops only to start again: hooks of it are not used up. */
function passes(core: State, own: JobState): boolean {
  return (
    core.life === "running" && (own.stop?.next !== "done" || core.reload?.diff.restarted.includes(own.job.id) === true)
  );
}

/** Time that a waiting stop has at most, for explain: the deadline of its step. */
export function stepDeadline(core: State, own: JobState): Ms | undefined {
  const step = stepOf(own);
  const key =
    step === "hooks" ? "hookMax" : step === "withdraw" ? "withdrawMax" : step === "drain" ? "drainMax" : undefined;
  const of = key ? `${key} ${own.job.id}` : `grace ${own.run ?? 0}`;
  return core.timers.get(of)?.at;
}
