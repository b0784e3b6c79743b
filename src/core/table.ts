/**
 * The life of a job as a table: what each happening means in each phase. Total by type: a forgotten cell does not compile.
 */
import type { Id } from "./contract.ts";
import { askStop, enter, happen, log, say } from "./facts.ts";
import { stepOf } from "./fresh.ts";
import { announceInitial, beginProbes, startProbe } from "./probes.ts";
import { kill, timedOut } from "./runs.ts";
import { giveUpWithdrawing, isWithdrawing } from "./services.ts";
import { accept, advance, afterRun, delayOver, ended, joinDelayed, joinRunning, startNow } from "./start.ts";
import type { Happening, JobState, Phase, State } from "./state.ts";
import {
  beginStop,
  cutHooks,
  cutRun,
  drained,
  endedInStop,
  finishIfGone,
  hookEnded,
  liveRun,
  proceed,
} from "./stop.ts";
import { tick } from "./ticking.ts";

type Cell<T extends Happening["t"]> = (
  core: State,
  own: JobState,
  cause: Id,
  what: Extract<Happening, { t: T }>,
) => void;
type Row = { [T in Happening["t"]]: Cell<T> };

/** Does not concern the job in this phase. */
const nothing = (): void => {};

const leave: Cell<"leave"> = (core, own, cause, what) => beginStop(core, own, cause, true, what.next);

const withdrawMax: Cell<"withdrawMax"> = giveUpWithdrawing;

const begun: Cell<"begun"> = (core, own, cause) => {
  if (core.life === "running") beginProbes(core, own, cause);
};

const idle: Cell<"idle"> = (core, own, cause) => {
  for (const state of own.probes) {
    if (state.active) continue;
    if (state.probe.whileIdle) startProbe(core, own, state, cause);
    else announceInitial(core, own, state, cause);
  }
};

const hasEnded: Cell<"ended"> = (core, own, cause, what) => ended(core, own, cause, what.run);

/** It has ended by itself, unless a trigger has come since. */
const complete: Cell<"complete"> = (core, own, cause) => {
  if (own.pending.length > 0) advance(core, own);
  else beginStop(core, own, cause, false, "done");
};

/** The start condition did not come true in time. */
const within: Cell<"within"> = (core, own, cause) => {
  const bound = own.job.start.within;
  if (!bound || core.life !== "running") return;
  log(core, cause, "warn", "notInTime", { job: own.job.id, ms: bound.ms });
  const id = say(core, cause, { fact: "timerExpired", source: own.job.id });
  if (typeof bound.otherwise === "object")
    askStop(core, id, { by: "late", job: own.job.id, code: bound.otherwise.exit });
  else if (bound.otherwise === "start") happen(core, own.job.id, id, { t: "trigger" });
  else if (!own.hook) happen(core, own.job.id, id, { t: "complete" });
};

const everyWaiting: Cell<"every"> = (core, own, cause) => {
  if (tick(core, own, cause)) startNow(core, own, cause);
  else if (own.ticksOver) beginStop(core, own, cause, false, "done");
};

const everyDelayed: Cell<"every"> = (core, own, cause) => {
  if (tick(core, own, cause) && !joinDelayed(core, own, cause, undefined)) own.restartsLeft++;
};

const everyRunning: Cell<"every"> = (core, own, cause) => {
  if (tick(core, own, cause)) {
    // One run is made up for all ticks that were missed: only those that lead to a run count.
    if (!joinRunning(core, own, cause, undefined)) own.restartsLeft++;
  } else if (own.ticksOver && !own.job.exec) beginStop(core, own, cause, false, "done");
};

const timeout: Cell<"timeout"> = (core, own, cause) => {
  const run = liveRun(core, own);
  if (run) timedOut(core, run, cause);
};

const grace: Cell<"grace"> = (core, own, cause) => {
  const run = liveRun(core, own);
  if (!run) return;
  log(core, cause, "warn", "graceOver", { job: own.job.id, run: run.id });
  kill(core, run, cause);
};

/** A second request to stop, or a hook's time is over: a hook that runs is cut short. */
const hurryRunning: Cell<"hurry"> = (core, own, cause) => {
  if (own.hook) cutRun(core, own, cause);
};

/** It will not be waited for, or there is nothing left to hook into. */
const hurryDelayed: Cell<"hurry"> = (core, own, cause) => {
  if (!own.hook) return;
  own.pending = [];
  if (core.life === "running" && own.startsLeft > 0) enter(core, own, "waiting", cause);
  else beginStop(core, own, cause, true, "done");
};

/** The second request ends draining and the wait for hooks; the grace of a process is never shortened. */
const hurryStopping: Cell<"hurry"> = (core, own, cause) => {
  const step = stepOf(own);
  if (step === "hooks") cutHooks(core, own, cause);
  else if (step === "drain") proceed(core, own, cause);
};

const handlers: Record<Phase, Row> = {
  waiting: {
    trigger: accept,
    release: nothing,
    begun: nothing,
    idle,
    ended: nothing,
    empty: nothing,
    complete,
    leave,
    proceed: nothing,
    hookOver: nothing,
    withdrawn: nothing,
    connections: nothing,
    hurry: nothing,
    delay: nothing,
    every: everyWaiting,
    within,
    hookMax: nothing,
    withdrawMax,
    drainMax: nothing,
    drainQuiet: nothing,
    timeout: nothing,
    grace: nothing,
  },
  delayed: {
    trigger: joinDelayed,
    release: advance,
    begun: nothing,
    idle,
    ended: nothing,
    empty: nothing,
    complete: nothing,
    leave,
    proceed: nothing,
    hookOver: nothing,
    withdrawn: nothing,
    connections: nothing,
    hurry: hurryDelayed,
    delay: delayOver,
    every: everyDelayed,
    within,
    hookMax: nothing,
    withdrawMax,
    drainMax: nothing,
    drainQuiet: nothing,
    timeout: nothing,
    grace: nothing,
  },
  running: {
    trigger: joinRunning,
    release: nothing,
    begun,
    idle,
    ended: hasEnded,
    empty: nothing,
    complete,
    leave,
    proceed: nothing,
    hookOver: nothing,
    withdrawn: nothing,
    connections: nothing,
    hurry: hurryRunning,
    delay: nothing,
    every: everyRunning,
    within: nothing,
    hookMax: nothing,
    withdrawMax,
    drainMax: nothing,
    drainQuiet: nothing,
    timeout,
    grace,
  },
  lingering: {
    trigger: joinRunning,
    release: nothing,
    begun: nothing,
    idle: nothing,
    ended: nothing,
    empty: afterRun,
    complete,
    // Its process has ended by itself, whoever asks now.
    leave: (core, own, cause, what) => beginStop(core, own, cause, false, what.next),
    proceed: nothing,
    hookOver: nothing,
    withdrawn: nothing,
    connections: nothing,
    hurry: nothing,
    delay: nothing,
    every: everyRunning,
    within: nothing,
    hookMax: nothing,
    withdrawMax,
    drainMax: nothing,
    drainQuiet: nothing,
    timeout: nothing,
    grace: nothing,
  },
  stopping: {
    trigger: nothing,
    release: nothing,
    begun: nothing,
    idle: nothing,
    ended: endedInStop,
    empty: finishIfGone,
    complete: nothing,
    leave: (_core, own, _cause, what) => {
      if (own.stop && what.next === "done") own.stop.next = "done";
    },
    proceed,
    hookOver: (core, own, cause, what) => hookEnded(core, own, what.hook, cause),
    withdrawn: (core, own, cause) => {
      if (stepOf(own) === "withdraw" && !isWithdrawing(own)) proceed(core, own, cause);
    },
    connections: (core, own, cause, what) => drained(core, own, what.open, cause),
    hurry: hurryStopping,
    delay: nothing,
    every: nothing,
    within: nothing,
    hookMax: cutHooks,
    withdrawMax,
    drainMax: proceed,
    drainQuiet: proceed,
    timeout,
    grace,
  },
  done: {
    trigger: (core, own, cause, what) => {
      if (what.asked) accept(core, own, cause, what);
    },
    release: nothing,
    begun: nothing,
    idle: nothing,
    ended: nothing,
    empty: nothing,
    complete: nothing,
    leave: nothing,
    proceed: nothing,
    hookOver: nothing,
    withdrawn: nothing,
    connections: nothing,
    hurry: nothing,
    delay: nothing,
    every: nothing,
    within: nothing,
    hookMax: nothing,
    withdrawMax,
    drainMax: nothing,
    drainQuiet: nothing,
    timeout: nothing,
    grace: nothing,
  },
};

/** Lets a job do what a happening means in its phase. */
export function dispatch(core: State, own: JobState, cause: Id, what: Happening): void {
  own.remembered = undefined;
  const cell = handlers[own.phase][what.t] as Cell<Happening["t"]>;
  cell(core, own, cause, what);
}
