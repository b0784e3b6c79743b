/**
 * Adoption: processes that an earlier runtime of this same process has left run on under the new core.
 */
import type { JobId } from "../plan.ts";
import type { Id, Input } from "./contract.ts";
import { askStop, emit, enter, happen, log, say } from "./facts.ts";
import { catchUp, catchUpWatches, startIfSatisfied } from "./install.ts";
import { isDealtWith, isForStop, recall, resume, resumeStop } from "./memory.ts";
import { askLoad } from "./reload.ts";
import { sigkill } from "./runs.ts";
import type { JobState, State } from "./state.ts";
import { arm } from "./timers.ts";

type Boot = Extract<Input, { t: "boot" }>;

/** Goes on where the earlier runtime was: its children run, what they waited for is past. */
export function adopt(core: State, input: Boot): void {
  const adopted: JobState[] = [];
  const { memory, shift = 0 } = input.rebirth ?? {};
  if (memory) recall(core, memory, shift, input.id);
  for (const each of input.adopted) {
    core.lastRun = Math.max(core.lastRun, each.run);
    if (memory && isDealtWith(memory, each.job, each.run)) continue;
    const own = take(core, each, input.id);
    if (!own) continue;
    if (memory && isForStop(memory, own, each.run)) own.begunFor = each.run;
    if (!memory || each.run > memory.lastRun) own.startsLeft--;
    for (const { service } of own.probes) if (service) service.perhaps = true;
    adopted.push(own);
  }
  if (memory) resume(core, memory, input.id);
  else concludePast(core, adopted, input.id);
  for (const own of adopted) {
    if (!memory || own.base === undefined) tickOn(core, own, input.id);
    happen(core, own.job.id, input.id, { t: "begun" });
    if (memory) resumeStop(core, own, memory, input.id);
  }
  catchUpWatches(core, input.id);
  if (memory?.stop) askStop(core, input.id, memory.stop);
  else if (memory?.reloading) askLoad(core, 0, false, input.id);
}

/** An ordinary boot, but the main job runs already: all others begin now. */
export function adoptInstant(core: State, { adopted, id }: Boot): void {
  say(core, id, { fact: "startup", source: "global" });
  for (const each of adopted) {
    core.lastRun = Math.max(core.lastRun, each.run);
    const own = take(core, each, id);
    if (!own) continue;
    own.startsLeft--;
    happen(core, own.job.id, id, { t: "begun" });
  }
}

/** The job of an adopted process, which runs from now on; undefined: there is none, and the process is killed. */
function take(core: State, { run, job, pid, age }: Boot["adopted"][number], cause: Id): JobState | undefined {
  const own = core.jobs.get(job);
  const since = core.now - age;
  core.runs.set(run, { id: run, job, pid, since, cause, killed: false, gone: false });
  if (!own || own.run !== undefined || !own.job.exec) {
    log(core, cause, "warn", "adoptedUnknown", { job, run });
    emit(core, cause, { t: "signal", run, signo: sigkill, target: "group" });
    core.runs.delete(run);
    return undefined;
  }
  own.run = run;
  own.everRan = true;
  enter(core, own, "running", cause);
  own.since = since;
  arm(core, { t: "timeout", of: run }, Math.max(core.now, since + own.job.timeout), cause);
  return own;
}

/** Nothing is remembered: what has happened before is concluded from what runs. */
function concludePast(core: State, adopted: readonly JobState[], cause: Id): void {
  for (const own of adopted) markPast(core, own, new Set());
  // One that counts as done may be what another one waited for.
  while ([...core.jobs.values()].some((own) => hasRun(core, own, cause)));
  for (const own of core.jobs.values()) {
    if (own.phase === "waiting" && startsAgain(own)) startIfSatisfied(core, own, cause);
  }
}

function tickOn(core: State, own: JobState, cause: Id): void {
  const { every } = own.job.start;
  own.base = own.since;
  if (every && "period" in every) arm(core, { t: "every", of: own.job.id }, core.now + every.period, cause);
  else if (every) emit(core, cause, { t: "cron", job: own.job.id });
}

/** What an adopted job waited for has happened: its once-sources that do not run any more are done. */
function markPast(core: State, own: JobState, seen: Set<JobId>): void {
  seen.add(own.job.id);
  for (const leaf of own.leaves) {
    const source = core.jobs.get(leaf.source);
    if (!source || seen.has(leaf.source) || source.phase !== "waiting") continue;
    if (leaf.fact !== "exitSuccess" && leaf.fact !== "exitFailed") continue;
    source.everRan = true;
    source.startsLeft = 0;
    enter(core, source, "done", own.cause);
    markPast(core, source, seen);
  }
}

/** Goes on for ever once it has started, or is nothing that could have ended. */
function startsAgain({ job }: JobState): boolean {
  return job.start.every !== undefined || job.restart.limit === Number.POSITIVE_INFINITY || !job.exec;
}

/** A job whose time has come and that is not among the adopted has had its run. */
function hasRun(core: State, own: JobState, cause: Id): boolean {
  if (own.phase !== "waiting" || startsAgain(own) || !catchUp(core, own, cause)) return false;
  own.everRan = true;
  own.startsLeft = 0;
  enter(core, own, "done", cause);
  return true;
}
