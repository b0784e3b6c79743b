/**
 * One step: the input, then everything that follows from it, then the timers that are due, then what is settled by then.
 */
import type { Effect, Input } from "./contract.ts";
import { deadWaits } from "./deadwaits.ts";
import { deliver } from "./deliver.ts";
import { log } from "./facts.ts";
import { jobState } from "./fresh.ts";
import { groupGone, handle, probeState, runEnded } from "./inputs.ts";
import { remind } from "./install.ts";
import { exitMaintenance } from "./maintenance.ts";
import { lapse, runProbe, unanswered } from "./probes.ts";
import { settleOver, settleReload } from "./reload.ts";
import { groupTimer, kill, sigkill, timedOut } from "./runs.ts";
import { budgetOver, deadlineOver, lookAtStrays, settleStop, stopContainer, straysOver } from "./shutdown.ts";
import type { Armed, Item, Run, State } from "./state.ts";
import { dispatch } from "./table.ts";
import { takeDue } from "./timers.ts";

/** Changes the state and returns what is to be done, in order. */
export function step(core: State, input: Input, now: number): readonly Effect[] {
  if (core.life === "over" || (core.life === "new" && input.t !== "boot")) return [];
  if (!(now >= core.now)) throw new Error(`time went back from ${core.now} to ${now}`);
  core.now = now;
  core.lastId = Math.max(core.lastId, input.id);
  const budget = { facts: 0 };
  drain(core, budget);
  handle(core, input);
  drain(core, budget);
  for (let due = takeDue(core); due; due = takeDue(core)) {
    fire(core, due);
    drain(core, budget);
  }
  while (core.dirty) {
    core.dirty = false;
    if (settle(core)) core.dirty = true;
    drain(core, budget);
  }
  const { out } = core;
  core.out = [];
  return out;
}

/** What is decided only when nothing else is left to do; true when that made new work. */
function settle(core: State): boolean {
  if (isOver(core)) return false;
  return settleReload(core, core.reload ? deadWaits(core) : []) || settleStop(core);
}

function isOver(core: State): boolean {
  return core.life === "over";
}

/** First in, first out, until nothing follows any more. Only a process's end can close a loop between jobs. */
function drain(core: State, budget: { facts: number }): void {
  const { queue } = core;
  for (let at = 0; at < queue.length && !isOver(core); at++) {
    const item = queue[at] as Item;
    if (item.t === "happening") {
      const own = core.jobs.get(item.job);
      if (own) dispatch(core, own, item.cause, item.what);
    } else if (item.t === "stop") stopContainer(core, item.why, item.cause);
    else {
      if (++budget.facts > 8 * (core.jobs.size + core.watches.size) + 64) throw new Error(endless(queue));
      deliver(core, item, dispatch);
    }
  }
  queue.length = 0;
}

function endless(queue: readonly Item[]): string {
  const last = queue
    .slice(-20)
    .map((item) => (item.t === "fact" ? `#${item.id} ${item.fact.fact} ${item.fact.source}` : item.t));
  return `facts without end in one step: ${last.join(" <- ")}`;
}

/** A timer has passed. */
function fire(core: State, { timer, cause }: Armed): void {
  switch (timer.t) {
    case "delay":
    case "every":
    case "within":
    case "hookMax":
    case "withdrawMax":
    case "drainMax":
    case "drainQuiet": {
      const own = core.jobs.get(timer.of);
      if (own) dispatch(core, own, cause, { t: timer.t });
      break;
    }
    case "timeout":
    case "grace":
    case "lost":
    case "group": {
      const run = core.runs.get(timer.of);
      if (run) fireRun(core, run, timer.t, cause);
      break;
    }
    case "probe":
    case "lapse":
    case "unanswered": {
      const found = probeState(core, timer.of);
      const cell = { probe: runProbe, lapse, unanswered }[timer.t];
      if (found) cell(core, found.own, found.state, cause);
      break;
    }
    case "budget":
      budgetOver(core, cause);
      break;
    case "deadline":
      deadlineOver(core, cause);
      break;
    case "strays":
      straysOver(core, cause);
      break;
    case "look":
      lookAtStrays(core, cause);
      break;
    case "maintenanceEnds":
      exitMaintenance(core, cause);
      break;
    case "settle":
      settleOver(core, cause);
      break;
    case "remind":
      remind(core, cause);
      break;
    default:
      timer satisfies never;
  }
}

function fireRun(core: State, run: Run, t: "timeout" | "grace" | "lost" | "group", cause: number): void {
  const own = jobState(core, run.job);
  if (t === "group") {
    if (groupTimer(core, own, run, cause)) groupGone(core, run, cause);
  } else if (t === "lost") {
    log(core, cause, "error", "lost", { job: run.job, run: run.id });
    runEnded(core, run, { how: { signal: sigkill, core: false }, by: "us" }, cause);
  } else if (run.probe === undefined) dispatch(core, own, cause, { t });
  else if (t === "timeout") timedOut(core, run, cause);
  else kill(core, run, cause);
}
