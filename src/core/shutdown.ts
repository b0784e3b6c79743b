/**
 * The stop of the container: rank by rank, then what is left over, then the last effect.
 */
import type { Ms } from "../plan.ts";
import { killReserveOf } from "./budget.ts";
import type { Id } from "./contract.ts";
import { deadWaits, staysForStop } from "./deadwaits.ts";
import { exitCode, exitReason } from "./ends.ts";
import { emit, happen, log, say } from "./facts.ts";
import { codeOf } from "./fresh.ts";
import { stopProbes } from "./probes.ts";
import { kill, sigkill, sigterm } from "./runs.ts";
import type { JobState, State, StopWhy } from "./state.ts";
import { arm, disarm } from "./timers.ts";
import { setWatches } from "./watches.ts";

/** Between two looks at what is left while sweeping: doubled each time. */
const sweepLook: { first: Ms; max: Ms } = { first: 20, max: 200 };
/** After KILL to everything: the kernel's time to take it away. */
const sweepKillMax: Ms = 500;

/** Somebody or something wants the container to stop. A second request shortens hooks and draining, never a grace. */
export function stopContainer(core: State, why: StopWhy, cause: Id): void {
  const asked = why.by === "signal" || why.by === "control";
  if (core.life !== "running") {
    if (core.life === "stopping" && core.stop && asked && ++core.stop.asks > 1) hurry(core, cause);
    return;
  }
  core.life = "stopping";
  core.dirty = true;
  if ("code" in why) core.forced = why.code;
  if (why.by === "unhealthy") core.forced = 1;
  logStop(core, why, cause);
  const shutdown = say(core, cause, { fact: "shutdown", source: "global" });
  core.stop = { why, cause, shutdown, at: core.now, rank: 0, asks: asked ? 1 : 0, hurry: false };
  core.catalogHangs = false;
  disarm(core, { t: "maintenanceEnds" }, { t: "settle" }, { t: "remind" });
  giveUpReload(core, cause);
  setWatches(core, cause);
  const { within } = core.plan.stop;
  arm(core, { t: "budget" }, core.now + within - killReserveOf(within), cause);
  arm(core, { t: "deadline" }, core.now + within, cause);
  for (const own of core.jobs.values()) {
    stopProbes(core, own, shutdown);
    // Each leaf of a hook can come once more: no chain of hooks goes round for ever.
    if (own.hook) own.startsLeft = Math.min(own.startsLeft, own.leaves.length);
    own.remembered = undefined;
    leaveInTurn(core, own, shutdown);
  }
}

function logStop(core: State, why: StopWhy, cause: Id): void {
  switch (why.by) {
    case "signal":
      log(core, cause, "info", "stopAsked", { signal: why.signo, pid: why.pid, uid: why.uid });
      break;
    case "done":
      break;
    case "control":
      log(core, cause, "info", "stopAsked", {});
      break;
    case "main":
      log(core, cause, "info", "stopMainEnded", { job: why.job, code: core.main?.code ?? 0 });
      break;
    case "spent":
      log(core, cause, "error", "stopSpent", { job: why.job, code: why.code });
      break;
    case "late":
      log(core, cause, "error", "stopLate", { job: why.job, code: why.code });
      break;
    case "unhealthy":
      log(core, cause, "error", "stopUnhealthy", { job: why.job });
      break;
    default:
      why satisfies never;
  }
}

/** A stop drops the reload under way: nothing of the new Plan starts. */
function giveUpReload(core: State, cause: Id): void {
  const { reload, settling } = core;
  delete core.reload;
  delete core.settling;
  for (const request of [settling?.request, reload?.request, ...core.loads.keys()]) {
    if (request) emit(core, cause, { t: "reply", request, ok: false, body: "stopping" });
  }
  core.loads.clear();
}

/** Hooks wait for their sources, what does not run is done at once, the rest stops when its rank has its turn. */
function leaveInTurn(core: State, own: JobState, cause: Id): void {
  if (staysForStop(core, own)) {
    if (own.phase === "delayed") happen(core, own.job.id, cause, { t: "release" });
    return;
  }
  const runs = own.phase === "running" || own.phase === "lingering";
  own.pending = [];
  if (!runs || own.job.stop.rank <= (core.stop?.rank ?? 0))
    happen(core, own.job.id, cause, { t: "leave", next: "done" });
}

function hurry(core: State, cause: Id): void {
  if (!core.stop) return;
  core.stop.hurry = true;
  log(core, cause, "warn", "stopAskedAgain");
  hurryAll(core, cause);
}

function allDone(core: State): boolean {
  return core.plan.ends.when === "allDone" && core.jobs.size > 0 && core.active.size === 0 && !core.reload;
}

function hurryAll(core: State, cause: Id): void {
  for (const id of core.jobs.keys()) if (core.active.has(id)) happen(core, id, cause, { t: "hurry" });
}

/**
 * What follows when nothing is left to do in a step: dead waits end, the next rank has its turn, the sweep begins.
 * True when there is new work in the queue.
 */
export function settleStop(core: State): boolean {
  const { stop } = core;
  if (core.life === "running" && allDone(core)) {
    core.life = "stopping";
    core.stop = {
      why: { by: "done" },
      cause: core.lastId,
      shutdown: core.lastId,
      at: core.now,
      rank: 0,
      asks: 0,
      hurry: false,
    };
    setWatches(core, core.lastId);
    return true;
  }
  if (core.life !== "stopping" || !stop) return false;
  const dead = deadWaits(core);
  for (const own of dead) happen(core, own.job.id, stop.shutdown, { t: "leave", next: "done" });
  if (dead.length > 0) return true;
  let next = Number.POSITIVE_INFINITY;
  for (const [rank, jobs] of core.busy) if (jobs > 0) next = Math.min(next, rank);
  if (next > stop.rank && next < Number.POSITIVE_INFINITY) {
    stop.rank = next;
    for (const own of core.jobs.values()) if (own.phase !== "done") leaveInTurn(core, own, stop.shutdown);
    return true;
  }
  if (core.active.size === 0 && core.runs.size === 0 && core.withdrawing === 0) beginSweep(core, stop.cause);
  return false;
}

function beginSweep(core: State, cause: Id): void {
  core.life = "sweeping";
  const killAt = core.now + core.plan.stop.strays;
  core.sweep = { poll: sweepLook.first, killAt, killed: killAt <= core.now, left: 0 };
  emit(core, cause, { t: "sweep", signo: core.sweep.killed ? sigkill : sigterm });
  arm(core, { t: "strays" }, core.sweep.killed ? core.now + sweepKillMax : killAt, cause);
}

/** How many are still there after a sweep. */
export function swept(core: State, left: number, cause: Id): void {
  const { sweep } = core;
  if (core.life !== "sweeping" || !sweep) return;
  if (left === 0) {
    leaveContainer(core, cause);
    return;
  }
  sweep.left = left;
  const end = sweep.killed ? Number.POSITIVE_INFINITY : sweep.killAt;
  arm(core, { t: "look" }, Math.min(core.now + sweep.poll, end), cause);
  sweep.poll = Math.min(2 * sweep.poll, sweepLook.max);
}

/** The timer `look`: counts what is left, so that the grace for strays need not pass in full. */
export function lookAtStrays(core: State, cause: Id): void {
  if (core.sweep) emit(core, cause, { t: "sweep", signo: 0 });
}

/** The timer `strays`: KILL to what is left, then the end. */
export function straysOver(core: State, cause: Id): void {
  if (!core.sweep || core.sweep.killed) {
    leaveContainer(core, cause);
    return;
  }
  core.sweep.killed = true;
  core.sweep.poll = sweepLook.first;
  disarm(core, { t: "look" });
  if (core.sweep.left > 0) log(core, cause, "warn", "strays", { left: core.sweep.left });
  emit(core, cause, { t: "sweep", signo: sigkill });
  arm(core, { t: "strays" }, core.now + sweepKillMax, cause);
}

/** The timer `budget`: `stop.within` is as good as used up, everything that is left is killed. */
export function budgetOver(core: State, cause: Id): void {
  if (core.life !== "stopping") return;
  log(core, cause, "error", "stopOverBudget", { left: core.runs.size });
  if (core.stop) core.stop.hurry = true;
  for (const run of core.runs.values()) {
    run.ending ??= "stop";
    if (!run.killed && !run.gone) kill(core, run, cause);
  }
  hurryAll(core, cause);
}

/** The last effect ever. */
export function leaveContainer(core: State, cause: Id): void {
  core.life = "over";
  const { main, override } = core;
  emit(core, main?.cause ?? cause, {
    t: "exit",
    code: exitCode(core),
    reason: exitReason(core),
    ...(main && { main: main.job }),
    ...(override && { hook: override.job }),
  });
  core.timers.clear();
  core.heap = [];
}

/** The timer `deadline`: `stop.within` has passed. Whoever has not been seen ending counts as killed. */
export function deadlineOver(core: State, cause: Id): void {
  for (const run of core.runs.values()) {
    const own = core.jobs.get(run.job);
    if (!own?.job.main || run.probe !== undefined) continue;
    const how = { signal: sigkill, core: false };
    core.main = { job: run.job, code: codeOf(how), how, ending: run.ending, cause };
  }
  leaveContainer(core, cause);
}
