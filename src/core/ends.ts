/**
 * Who ends the container, and with what code.
 */
import type { Id } from "./contract.ts";
import { askStop, enter } from "./facts.ts";
import { codeOf } from "./fresh.ts";
import { sigterm } from "./runs.ts";
import type { End, JobState, State, StopWhy } from "./state.ts";

/** A run of a job has ended: hooks' codes override the container's, unless we ended the run. */
export function noteRun(core: State, own: JobState, end: End, ours: boolean): void {
  const code = codeOf(end.how);
  if (code !== 0 && !ours && core.plan.ends.overrides.includes(own.job.id)) core.override = { job: own.job.id, code };
}

/** The main job has ended and will not be started again: its end is the container's, whatever its group still does. */
export function noteMain(core: State, own: JobState, cause: Id): void {
  const last = own.past.at(-1);
  if (!last || !own.job.main || core.reload?.leaving.has(own.job.id)) return;
  core.main = { job: own.job.id, code: codeOf(last.how), how: last.how, ending: last.ending, cause };
  if (core.life === "running" && core.plan.ends.when === "mainEnds")
    askStop(core, cause, { by: "main", job: own.job.id });
}

/** A job is done for good. */
export function finish(core: State, own: JobState, cause: Id): void {
  enter(core, own, "done", cause);
  const last = own.past.at(-1);
  if (!last) return;
  const code = codeOf(last.how);
  // Death by the signal that we stopped it with is no failure.
  if (code !== 0 && !(last.ending === "stop" && "signal" in last.how)) {
    core.firstFailure ??= code;
    core.worst = Math.max(core.worst, code);
  }
  if (core.main?.job !== own.job.id) noteMain(core, own, cause);
}

/** The container's exit code, when everything is over. */
export function exitCode(core: State): number {
  const { ends } = core.plan;
  const code = core.override?.code ?? core.forced ?? policyCode(core);
  return ends.map[code] ?? code;
}

function policyCode(core: State): number {
  const { ends } = core.plan;
  switch (ends.code) {
    case "main":
      return core.main ? core.main.code : neverStarted(core);
    case "firstFailure":
      return core.firstFailure ?? 0;
    case "worst":
      return core.worst;
    case "zero":
      return 0;
    default:
      return ends.code satisfies never;
  }
}

function neverStarted(core: State): number {
  const why = core.stop?.why;
  if (core.plan.ends.neverStarted === "zero" || !core.plan.jobs.some((job) => job.main && job.exec)) return 0;
  if (why?.by === "signal") return 128 + why.signo;
  return why?.by === "control" ? 128 + sigterm : 0;
}

/** Why the container ended, in words: the same in the log and wherever else it is told. */
export function exitReason(core: State): string {
  const why = core.stop?.why;
  if (!why) return "nothing was started";
  const hook = core.override && core.override.job !== ("job" in why ? why.job : "") ? core.override : undefined;
  return `${mainReason(core, why)}${hook ? `; ${hook.job} ended with ${hook.code}` : ""}`;
}

function mainReason(core: State, why: StopWhy): string {
  const asked = stopReason(why);
  if (!core.main) return asked;
  const { how, job, ending } = core.main;
  const end = "code" in how ? `ended with ${how.code}` : `was ended by signal ${how.signal}`;
  if (why.by === "main") return `${job} ${end}`;
  return `${job} ${end}${ending === "stop" ? " after our stop signal" : ""}; ${asked}`;
}

function stopReason(why: StopWhy): string {
  switch (why.by) {
    case "signal":
      return `asked to stop by signal ${why.signo}`;
    case "control":
      return "asked to stop through the control socket";
    case "done":
      return "all jobs are complete";
    case "main":
      return `${why.job} ended`;
    case "spent":
      return `${why.job} failed with ${why.code} and may not be started again`;
    case "late":
      return `${why.job} could not start in time`;
    case "unhealthy":
      return `${why.job} is unhealthy`;
    default:
      return why satisfies never;
  }
}
