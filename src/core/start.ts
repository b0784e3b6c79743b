/**
 * Starting: from a trigger through what keeps it back (hold, maintenance, step, quiet, splay, back-off) to the run,
 * and from the run's end to the next one.
 */
import type { Ms, Restart } from "../plan.ts";
import { runBound } from "./budget.ts";
import type { Id, RunId } from "./contract.ts";
import { noteMain } from "./ends.ts";
import { askStop, enter, happen, log, say } from "./facts.ts";
import { codeOf } from "./fresh.ts";
import { spawn, terminate } from "./runs.ts";
import type { Change, Delay, Happening, JobState, Pending, State } from "./state.ts";
import { beginTicking } from "./ticking.ts";
import { arm, disarm, random } from "./timers.ts";

/** Triggers may put a start off for this many times `quiet` in all, so that an endless stream cannot starve it. */
const quietStretchMax = 10;
/** A job that facts start this often in this time is probably in a loop. */
const burst = { count: 20, ms: 10_000 };

const never = Number.POSITIVE_INFINITY;

type Trigger = Extract<Happening, { t: "trigger" }>;

/** After the n-th quick end in a row (from 0): at once, then growing. */
export function backoffOf(backoff: Restart["backoff"], streak: number): Ms {
  if (streak === 0) return backoff.first;
  return Math.min(backoff.max, Math.max(backoff.min, backoff.min * backoff.factor ** (streak - 1)));
}

/** The start condition came true while it waits, or somebody asks for a start: that one waits for nothing. */
export function accept(core: State, own: JobState, cause: Id, what: Trigger): void {
  if (!takes(core, own, what)) return;
  const { every } = own.job.start;
  if (what.asked) {
    put(core, own, cause, undefined, true);
    own.pending[0]?.past.push("backoff");
    advance(core, own);
    return;
  }
  if (every) {
    beginTicking(core, own, cause);
    if (!("period" in every) || every.first === "later") return;
  }
  startNow(core, own, cause, what.change);
}

/** A start that was accepted, or an interval's turn. */
export function startNow(core: State, own: JobState, cause: Id, change?: Change): void {
  put(core, own, cause, change, false);
  advance(core, own);
}

function put(core: State, own: JobState, cause: Id, change: Change | undefined, restart: boolean): void {
  own.pending.push({ cause, at: core.now, restart, past: [], ...(change && { change }) });
}

/** A further trigger takes part in a start that has not begun: one run for both. */
function merge(into: Pending, change: Change | undefined): void {
  if (!change) return;
  into.change = into.change?.watch === change.watch ? { ...change, from: into.change.from } : change;
}

/** A trigger (or a tick) while its start is being kept back. True: it leads to a run of its own. */
export function joinDelayed(core: State, own: JobState, cause: Id, what: Trigger | undefined): boolean {
  const { overlap, quiet } = own.job.start;
  if (what && !takes(core, own, what)) return false;
  const head = own.pending[0];
  if (what?.asked && head) {
    Object.assign(head, { restart: true, past: ["backoff"] });
    advance(core, own);
    return false;
  }
  if (!head || head.restart || overlap.mode === "queue") return join(core, own, cause, what?.change);
  merge(head, what?.change);
  if (own.delay === "quiet") {
    const until = Math.min(core.now + quiet, head.at + quiet * quietStretchMax);
    arm(core, { t: "delay", of: own.job.id }, until, head.cause);
  }
  return false;
}

/** A trigger (or a tick) while it runs, or is on its way out to run again. True: it leads to a run of its own. */
export function joinRunning(core: State, own: JobState, cause: Id, what: Trigger | undefined): boolean {
  if (what && !takes(core, own, what)) return false;
  if (own.job.start.overlap.mode !== "replace") return join(core, own, cause, what?.change);
  const first = own.pending[0];
  if (first) merge(first, what?.change);
  else put(core, own, cause, what?.change, false);
  const run = own.run !== undefined && core.runs.get(own.run);
  if (run && !run.ending) terminate(core, own, run, cause, "replace", own.job.stop.grace);
  return first === undefined;
}

/** Whether a trigger counts; it uses up a start, unless it was a request or its source only starts again. */
function takes(core: State, own: JobState, what: Trigger): boolean {
  if (core.life !== "running" && !own.hook) return false;
  if (what.asked) return true;
  if (own.startsLeft <= 0) return false;
  if (!what.passing) own.startsLeft--;
  return true;
}

function join(core: State, own: JobState, cause: Id, change: Change | undefined): boolean {
  const { mode, max } = own.job.start.overlap;
  if (mode === "skip") return false;
  const waiting = own.pending.filter((pending) => !pending.restart);
  if (waiting.length < max) {
    put(core, own, cause, change, false);
    return true;
  }
  if (mode === "queue") log(core, cause, "warn", "queueFull", { job: own.job.id, count: max });
  else {
    const last = waiting.at(-1);
    if (last) merge(last, change);
  }
  return false;
}

/** Starts if nothing keeps the start back any more; else waits for what does. */
export function advance(core: State, own: JobState): void {
  const head = own.pending[0];
  if (!head) return;
  const delay = delayOf(core, own, head);
  if (!delay) {
    // stop.within is used up: there is no time for a hook any more.
    if (runBound(core, own).left <= 0) happen(core, own.job.id, head.cause, { t: "leave", next: "done" });
    else begin(core, own, head);
    return;
  }
  own.delay = delay;
  if (own.phase !== "delayed") enter(core, own, "delayed", head.cause);
  const wait = lengthOf(core, own, delay);
  const from = delay === "hold" ? heldSince(core, own, head) : core.now;
  arm(core, { t: "delay", of: own.job.id }, from + wait, head.cause);
}

/** `holdMax` counts from the start of the job that is waited for, whenever the trigger came. */
function heldSince(core: State, own: JobState, head: Pending): Ms {
  const source = core.jobs.get(own.job.start.hold?.source ?? "");
  return source?.phase === "running" ? Math.min(source.since, head.at) : head.at;
}

function delayOf(core: State, own: JobState, head: Pending): Delay | undefined {
  const running = core.life === "running";
  const { quiet, splay } = own.job.start;
  if (running && core.maintenance && own.job.maintenancePauses) return "maintenance";
  if (head.restart) return head.past.includes("backoff") ? undefined : "backoff";
  if (running && !own.released) return "hold";
  if (quiet > 0 && !head.past.includes("quiet")) return "quiet";
  if (splay > 0 && !head.past.includes("splay")) return "splay";
  if (startsInVain(core, own) && !head.past.includes("backoff")) return "backoff";
  return own.hook && keptByStep(core, own) ? "step" : undefined;
}

/** Jobs that start each other by programs that cannot be started would spin: once that is named, each start waits a while. */
function startsInVain(core: State, { past, burst: starts }: JobState): boolean {
  const inBurst = starts.count >= burst.count && core.now - starts.since <= burst.ms;
  return inBurst && past.at(-1)?.errno !== undefined;
}

/** A job that it hooks into is stopping, and other steps come before its hooks. */
function keptByStep(core: State, own: JobState): boolean {
  return own.leaves.some((leaf) => {
    const source = leaf.fact === "stopping" ? core.jobs.get(leaf.source) : undefined;
    return source?.stop !== undefined && source.stop.at < source.job.stop.order.indexOf("hooks");
  });
}

function lengthOf(core: State, own: JobState, delay: Delay): Ms {
  const { start, restart } = own.job;
  switch (delay) {
    case "hold":
      return start.holdMax;
    case "quiet":
      return start.quiet;
    case "splay":
      return Math.floor(random(core) * start.splay);
    case "backoff":
      return own.pending[0]?.restart ? backoffOf(restart.backoff, Math.max(0, own.streak - 1)) : restart.backoff.min;
    case "maintenance":
    case "step":
      return Number.POSITIVE_INFINITY;
    default:
      return delay satisfies never;
  }
}

/** The timer `delay`. */
export function delayOver(core: State, own: JobState): void {
  const head = own.pending[0];
  if (own.delay === "hold") own.released = true;
  else if (head && own.delay) head.past.push(own.delay);
  advance(core, own);
}

function begin(core: State, own: JobState, head: Pending): void {
  own.pending.shift();
  delete own.delay;
  disarm(core, { t: "delay", of: own.job.id }, { t: "within", of: own.job.id });
  own.everRan = true;
  own.health = "unknown";
  if (!head.restart && own.job.restart.budget === "trigger") own.restartsLeft = own.job.restart.limit;
  enter(core, own, "running", head.cause);
  if (own.job.exec) {
    const { limit, left } = runBound(core, own);
    const what = {
      ...(head.change && { change: head.change }),
      ...(core.stop && left < never && { left: Math.round(left) }),
    };
    own.run = spawn(core, own, head.cause, limit, what);
    warnOfLoop(core, own, head);
  } else happen(core, own.job.id, head.cause, { t: "begun" });
}

function warnOfLoop(core: State, own: JobState, head: Pending): void {
  if (head.restart || own.job.start.every) return;
  if (core.now - own.burst.since > burst.ms) own.burst = { since: core.now, count: 0 };
  if (++own.burst.count === burst.count) log(core, head.cause, "warn", "startsOften", { job: own.job.id, ...burst });
}

/** What follows a run that nobody has asked to stop: `start` for a trigger that waits, a further run, or none. */
function following(core: State, own: JobState): "start" | "restart" | "wait" | "nothing" {
  const last = own.past.at(-1);
  const ours = last?.ending === "stop" || last?.ending === "replace";
  const failed = last !== undefined && codeOf(last.how) !== 0;
  // A hook that was cut short in the container's stop does not start again.
  if (core.stop && last?.ending === "stop") own.pending = [];
  if (own.pending.length > 0) return "start";
  if (mayRestart(core, own) && !ours && (failed || own.job.restart.on === "any")) return "restart";
  if (core.life !== "running" && !own.hook) return "nothing";
  return (own.job.start.every ? !own.ticksOver : own.startsLeft > 0) ? "wait" : "nothing";
}

/** Its process has gone; the group may not have. */
export function ended(core: State, own: JobState, cause: Id, run: RunId): void {
  if (own.job.main && following(core, own) === "nothing") noteMain(core, own, cause);
  if (core.runs.has(run)) enter(core, own, "lingering", cause);
  else afterRun(core, own, cause);
}

/** Its run is over, group and all, and nobody has asked it to stop: a pending start, a further run, or the end. */
export function afterRun(core: State, own: JobState, cause: Id): void {
  const next = following(core, own);
  delete own.run;
  if (next === "start") advance(core, own);
  else if (next === "restart") again(core, own, cause);
  else {
    failedForGood(core, own, cause);
    if (next === "nothing") happen(core, own.job.id, cause, { t: "complete" });
    else {
      enter(core, own, "waiting", cause);
      if (own.hook) hookOver(core, own, cause);
    }
  }
}

/** The failure that finds no restart left, unless we made it. */
function failedForGood(core: State, own: JobState, cause: Id): void {
  const last = own.past.at(-1);
  if (!last || last.ending === "stop" || last.ending === "replace" || codeOf(last.how) === 0) return;
  spent(core, own, cause, codeOf(last.how));
}

function mayRestart(core: State, own: JobState): boolean {
  return core.life === "running" && own.restartsLeft > 0 && !own.job.start.every;
}

/** A further run of the same trigger, after its back-off. */
export function again(core: State, own: JobState, cause: Id): void {
  const last = own.past.at(-1);
  const { backoff } = own.job.restart;
  own.restartsLeft--;
  own.streak = last && last.until - last.since >= backoff.resetAfter ? 1 : own.streak + 1;
  const ms = Math.round(backoffOf(backoff, own.streak - 1));
  const left = own.restartsLeft < Number.POSITIVE_INFINITY ? { left: own.restartsLeft } : {};
  log(core, cause, "debug", "restarting", { job: own.job.id, ms, ...left });
  put(core, own, cause, undefined, true);
  if (ms === 0) own.pending[0]?.past.push("backoff");
  advance(core, own);
}

/** A failure that finds no restart left. One of many triggers that failed, where none was to be had, is no giving up. */
export function spent(core: State, own: JobState, cause: Id, code: number): void {
  if (core.life !== "running" || own.job.start.every) return;
  const { limit, spent: then } = own.job.restart;
  if (limit > 0) log(core, cause, "warn", "gaveUp", { job: own.job.id, code });
  const last = limit > 0 || own.startsLeft <= 0;
  const id = last ? say(core, cause, { fact: "gaveUp", source: own.job.id }) : cause;
  if (then === "stopContainer") askStop(core, id, { by: "spent", job: own.job.id, code });
}

/** Tells the jobs it hooks into that this hook has run. */
export function hookOver(core: State, own: JobState, cause: Id): void {
  for (const { fact, source } of own.leaves) {
    if (fact !== "stopping" || !core.jobs.get(source)?.stop?.waitsFor.has(own.job.id)) continue;
    happen(core, source, cause, { t: "hookOver", hook: own.job.id });
  }
}
