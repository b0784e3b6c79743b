/**
 * Runs: one start of one program each, from `spawn` to the end of its process and of its group.
 */
import type { Ms } from "../plan.ts";
import type { Id, RunId } from "./contract.ts";
import { emit, log } from "./facts.ts";
import { codeOf } from "./fresh.ts";
import type { Change, End, JobState, Run, State } from "./state.ts";
import { arm, disarm } from "./timers.ts";

export const sigkill = 9;
export const sigterm = 15;
const pastMax = 5;
/** A killed process that nobody has seen ending after this time is given up (it hangs in the kernel). */
const lostAfter: Ms = 5000;
/** Time for the group to be reported empty before what is left of it is signalled. */
const groupLook: Ms = 10;
/** From TERM to KILL, and from KILL to giving up, for what is left of a group. */
const groupGrace: Ms = 2000;
/** From TERM to KILL for a hook that is cut short. */
export const cutGrace: Ms = 1000;

/** Starts the program of a job or of one of its probes. `limit`: until its group is killed. */
export function spawn(
  core: State,
  own: JobState,
  cause: Id,
  limit: Ms,
  what: { probe?: string; change?: Change; left?: Ms } = {},
): RunId {
  const id = ++core.lastRun;
  const job = own.job.id;
  const run: Run = { id, job, since: core.now, cause, killed: false, gone: false };
  if (what.probe !== undefined) run.probe = what.probe;
  core.runs.set(id, run);
  emit(core, cause, { t: "spawn", run: id, job, ...what });
  arm(core, { t: "timeout", of: id }, core.now + limit, cause);
  return id;
}

/** KILL to the whole group; then only its end is waited for, and not for ever. */
export function kill(core: State, run: Run, cause: Id): void {
  disarm(core, { t: "grace", of: run.id }, { t: "timeout", of: run.id });
  run.killed = true;
  emit(core, cause, { t: "signal", run: run.id, signo: sigkill, target: "group", why: run.ending ?? "stop" });
  arm(core, { t: "lost", of: run.id }, core.now + lostAfter, cause);
}

/** Asks a run to end: its signal, and KILL when the grace has passed; grace 0: KILL at once. */
export function terminate(
  core: State,
  own: JobState,
  run: Run,
  cause: Id,
  ending: NonNullable<Run["ending"]>,
  grace: Ms,
  signo = own.job.stop.signal,
): void {
  run.ending ??= ending;
  if (run.killed || run.gone) return;
  if (grace <= 0) {
    kill(core, run, cause);
    return;
  }
  emit(core, cause, { t: "signal", run: run.id, signo, target: own.job.stop.target, why: ending });
  arm(core, { t: "grace", of: run.id }, core.now + grace, cause);
}

/** The run's time limit has passed: its whole group is killed. */
export function timedOut(core: State, run: Run, cause: Id): void {
  run.ending ??= "timeout";
  const about = { job: run.job, run: run.id, ...(run.probe !== undefined && { probe: run.probe }) };
  log(core, cause, "warn", "timedOut", about);
  log(core, cause, "warn", "killing", about);
  kill(core, run, cause);
}

/** Books the end of a run's process. What becomes of its group: `leftovers`. True when the group has still to be waited for. */
export function closeRun(core: State, own: JobState, run: Run, end: End, cause: Id): boolean {
  for (const t of ["timeout", "grace", "lost"] as const) disarm(core, { t, of: run.id });
  core.dirty = true;
  if (run.probe === undefined) {
    own.remembered = undefined;
    const ending = run.ending && { ending: run.ending };
    own.past.push({ run: run.id, cause: run.cause, since: run.since, until: core.now, ...end, ...ending });
    if (own.past.length > pastMax) own.past.shift();
  }
  logEnd(core, own, run, end, cause);
  const { leftovers } = own.job.stop;
  if (end.errno !== undefined || (leftovers === "keep" && run.probe === undefined)) {
    core.runs.delete(run.id);
    return false;
  }
  run.gone = true;
  if (run.killed) run.group = "killed";
  arm(core, { t: "group", of: run.id }, core.now + (run.killed ? groupGrace : groupLook), cause);
  return true;
}

function logEnd(core: State, own: JobState, run: Run, end: End, cause: Id): void {
  const about = { job: run.job, run: run.id, ...(run.probe !== undefined && { probe: run.probe }) };
  const { how, errno } = end;
  if (errno !== undefined) {
    log(core, cause, "error", "spawnFailed", { ...about, errno, code: codeOf(how) });
    return;
  }
  if (codeOf(how) === 0) return;
  // Death by our own signal is told where the signal is; the application's end is told always.
  const isMain = own.job.main && run.probe === undefined;
  if (run.ending !== undefined && "signal" in how && !isMain) return;
  log(core, cause, levelOf(own, run), "exited", {
    ...about,
    ...("code" in how ? { code: how.code } : { signal: how.signal }),
  });
}

/** Early probes may fail; one failure among many is less than the end of what should run on. */
function levelOf(own: JobState, run: Run): "debug" | "info" | "warn" | "error" {
  if (run.probe !== undefined)
    return own.probes.some(({ busy }) => busy?.run === run.id && busy.early) ? "debug" : "info";
  if (own.job.main) return "info";
  return own.job.start.times > 1 || own.job.start.every !== undefined ? "warn" : "error";
}

/** The timer `group`: what is left of a group gets TERM (or KILL), then KILL, then is given up. True: given up. */
export function groupTimer(core: State, own: JobState, run: Run, cause: Id): boolean {
  if (run.group === "killed") {
    log(core, cause, "error", "leftovers", { job: run.job, run: run.id });
    return true;
  }
  run.group = own.job.stop.leftovers === "term" && run.group === undefined ? "asked" : "killed";
  const signo = run.group === "asked" ? sigterm : sigkill;
  emit(core, cause, { t: "signal", run: run.id, signo, target: "group", why: "leftovers" });
  arm(core, { t: "group", of: run.id }, core.now + groupGrace, cause);
  return false;
}

/** A run that is over is forgotten; later inputs about it are stale. */
export function forget(core: State, run: Run): void {
  disarm(core, { t: "group", of: run.id });
  core.runs.delete(run.id);
  core.dirty = true;
}
