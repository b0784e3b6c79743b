/**
 * What each input means. An input about something that is not current any more is dropped and counted.
 */
import type { JobId, ProbeId, SignalDeed } from "../plan.ts";
import { adopt, adoptInstant } from "./adopt.ts";
import { bootPlan } from "./boot.ts";
import type { Ask, Ended, Id, Input, RunId } from "./contract.ts";
import { noteRun } from "./ends.ts";
import { askStop, emit, happen, log, say } from "./facts.ts";
import { codeOf, jobState } from "./fresh.ts";
import { enterMaintenance, exitMaintenance } from "./maintenance.ts";
import { probeOver } from "./probes.ts";
import { askLoad, planned, planRefused } from "./reload.ts";
import { closeRun, forget } from "./runs.ts";
import { announceAgain, announced, withdrawn } from "./services.ts";
import { swept } from "./shutdown.ts";
import { signalName } from "./signals.ts";
import type { End, JobState, ProbeState, Run, ServiceState, State } from "./state.ts";
import { liveRun } from "./stop.ts";
import { cronDue } from "./ticking.ts";
import { watched } from "./watches.ts";

type Of<T extends Input["t"]> = Extract<Input, { t: T }>;

function stale(core: State): void {
  core.stale++;
}

/** The run of an input, while its process is not known to be gone. */
function runOf(core: State, id: RunId): Run | undefined {
  const run = core.runs.get(id);
  if (run && !run.gone) return run;
  stale(core);
  return undefined;
}

export function probeState(core: State, id: ProbeId): { own: JobState; state: ProbeState } | undefined {
  const own = core.jobs.get(core.probes.get(id) ?? "");
  const state = own?.probes.find((each) => each.probe.id === id);
  return own && state && { own, state };
}

function serviceState(core: State, id: string): { own: JobState; service: ServiceState } | undefined {
  const found = probeState(core, core.services.get(id) ?? "");
  if (found?.state.service) return { own: found.own, service: found.state.service };
  stale(core);
  return undefined;
}

function boot(core: State, input: Of<"boot">): void {
  if (core.life !== "new") {
    stale(core);
    return;
  }
  bootPlan(core, input);
  if (input.instant) adoptInstant(core, input);
  else if (input.rebirth?.memory || input.adopted.length > 0) adopt(core, input);
  else if (input.stop) askStop(core, input.id, { by: "signal", ...input.stop });
  else say(core, input.id, { fact: "startup", source: "global" });
}

function spawned(core: State, input: Of<"spawned">): void {
  const run = runOf(core, input.run);
  if (!run || run.pid !== undefined) return;
  run.pid = input.pid;
  if (run.probe === undefined) happen(core, run.job, input.id, { t: "begun" });
}

/** The process of a run has gone, or could not be started, or is given up. */
export function runEnded(core: State, run: Run, end: End, cause: Id): void {
  const own = jobState(core, run.job);
  closeRun(core, own, run, end, cause);
  const fact = codeOf(end.how) === 0 ? "exitSuccess" : "exitFailed";
  const told = say(core, cause, { fact, source: run.probe ?? run.job });
  if (run.probe !== undefined) {
    const state = own.probes.find((each) => each.busy?.run === run.id);
    if (state) probeOver(core, own, state, codeOf(end.how) === 0 && run.ending === undefined, cause);
    return;
  }
  noteRun(core, own, end, run.ending !== undefined);
  happen(core, run.job, told, { t: "ended", run: run.id, end });
}

function exited(core: State, input: Of<"exited">): void {
  const run = runOf(core, input.run);
  if (run) runEnded(core, run, { how: input.how, by: input.by }, input.id);
}

function spawnFailed(core: State, input: Of<"spawnFailed">): void {
  const run = runOf(core, input.run);
  if (!run || run.pid !== undefined) return;
  const how: Ended = { code: input.code };
  runEnded(core, run, { how, errno: input.errno, by: "itself" }, input.id);
}

/** The last process of a run's group has gone. */
export function groupGone(core: State, run: Run, cause: Id): void {
  forget(core, run);
  if (run.probe === undefined && jobState(core, run.job).run === run.id) happen(core, run.job, cause, { t: "empty" });
}

function groupEmpty(core: State, input: Of<"groupEmpty">): void {
  const run = core.runs.get(input.run);
  if (run?.gone) groupGone(core, run, input.id);
  else stale(core);
}

function probed(core: State, input: Of<"probed">): void {
  const found = probeState(core, input.probe);
  const current = found?.state.busy && found.state.busy.run === undefined && input.attempt === found.state.attempt;
  if (found && current) probeOver(core, found.own, found.state, input.ok, input.id);
  else stale(core);
}

/** A signal that came to the init. */
function signalled(core: State, input: Of<"signal">): void {
  const deed: SignalDeed | undefined = core.plan.signals[input.signo];
  const cause = input.id;
  if (typeof deed === "object" || deed === undefined) {
    log(core, cause, "debug", "signalForwarded", { signal: input.signo });
    if (deed?.as !== undefined) sendSignal(core, deed.forward, deed.as, cause);
    return;
  }
  switch (deed) {
    case "stop":
      askStop(core, cause, { by: "signal", signo: input.signo, pid: input.pid, uid: input.uid });
      break;
    case "reload":
      askLoad(core, 0, false, cause);
      break;
    case "maintenance":
      if (core.life !== "running") break;
      if (core.maintenance) exitMaintenance(core, cause);
      else enterMaintenance(core, cause, Number.POSITIVE_INFINITY);
      break;
    case "reopen":
      emit(core, cause, { t: "reopen" });
      break;
    case "fact":
      say(core, cause, { fact: "signal", source: signalName(input.signo) });
      break;
    case "ignore":
      log(core, cause, "debug", "signalIgnored", { signal: input.signo });
      break;
    default:
      deed satisfies never;
  }
}

/** A signal to a job's process, whatever that does to it; false when it is not running. */
function sendSignal(core: State, job: JobId, signo: number, cause: Id): boolean {
  const own = core.jobs.get(job);
  const run = own && liveRun(core, own);
  if (run) emit(core, cause, { t: "signal", run: run.id, signo, target: "process", why: "forward" });
  return run !== undefined;
}

/** A request through the control socket. */
function asked(core: State, input: Of<"asked">): void {
  const { ask, request, id } = input;
  if (ask.do === "reload" || ask.do === "dryRun") {
    askLoad(core, request, ask.do === "dryRun", id);
    return;
  }
  const refused = answer(core, ask, id);
  emit(core, id, { t: "reply", request, ok: refused === undefined, body: refused });
}

/** Does what was asked; a reason when it cannot be done. */
function answer(core: State, ask: Exclude<Ask, { do: "reload" } | { do: "dryRun" }>, cause: Id): string | undefined {
  if (ask.do === "stop") {
    askStop(core, cause, { by: "control" });
    return undefined;
  }
  if (ask.do === "maintenance") {
    if (core.life !== "running") return "stopping";
    if (ask.on) enterMaintenance(core, cause, ask.for ?? Number.POSITIVE_INFINITY);
    else exitMaintenance(core, cause);
    return undefined;
  }
  const own = core.jobs.get(ask.job);
  if (!own) return `no job ${ask.job}`;
  if (ask.do === "signal") {
    return sendSignal(core, ask.job, ask.signo, cause) ? undefined : `${ask.job} is not running`;
  }
  if (core.life !== "running") return "stopping";
  const idle = own.phase === "waiting" || own.phase === "delayed" || own.phase === "done";
  happen(core, ask.job, cause, idle ? { t: "trigger", asked: true } : { t: "leave", next: "again" });
  return undefined;
}

const inputs: { [T in Input["t"]]: (core: State, input: Of<T>) => void } = {
  boot,
  spawned,
  spawnFailed,
  exited,
  groupEmpty,
  due: (core, input) => {
    const own = core.jobs.get(input.job);
    if (own) cronDue(core, own, input.in, input.id);
    else stale(core);
  },
  ready: (core, input) => {
    const run = runOf(core, input.run);
    if (!run || run.ready || run.probe !== undefined) return;
    run.ready = true;
    say(core, input.id, { fact: "ready", source: run.job });
  },
  probed,
  watched: (core, input) => {
    const state = core.watches.get(input.watch);
    if (!state || !watched(core, state, input)) stale(core);
  },
  announced: (core, input) => {
    const found = serviceState(core, input.service);
    if (found) announced(core, found.service, input.attempt, input.ok, input.id);
  },
  withdrawn: (core, input) => {
    const own = serviceState(core, input.service)?.own;
    // Services of one name share their id, and with it the answer.
    const waiting = own?.probes.flatMap(({ service }) => {
      return service?.id === input.service && service.withdrawing ? [service] : [];
    });
    if (!own || !waiting?.length) stale(core);
    else for (const service of waiting) withdrawn(core, own, service, input.id);
  },
  forgotten: (core, input) => {
    const found = serviceState(core, input.service);
    if (found) announceAgain(core, found.own, found.service, input.id);
  },
  clashed: (core, input) => log(core, input.id, "error", "clashed", { service: input.service }),
  connections: (core, input) => {
    if (core.jobs.has(input.job)) happen(core, input.job, input.id, { t: "connections", open: input.open });
    else stale(core);
  },
  signal: signalled,
  asked,
  planned,
  planRefused,
  swept: (core, input) => swept(core, input.left, input.id),
  wake: () => {},
};

export function handle(core: State, input: Input): void {
  const take = inputs[input.t] as (core: State, input: Input) => void;
  take(core, input);
}
