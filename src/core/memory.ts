/**
 * What a runtime that follows a dead one in the same process has to know besides the processes that still run: budgets, what
 * is done, maintenance, a stop that had begun. Plain data that JSON holds; no secret, since the core knows none.
 */
import type { JobId, Ms, WatchId } from "../plan.ts";
import type { Id, RunId } from "./contract.ts";
import { emit, enter, happen } from "./facts.ts";
import { enterMaintenance } from "./maintenance.ts";
import { advance, afterRun, startNow } from "./start.ts";
import type { JobState, Next, Past, Phase, State, WatchState } from "./state.ts";
import { arm, nextTick } from "./timers.ts";

export interface JobMemory {
  phase: Phase;
  run?: RunId;
  /** null: without end, which JSON has no number for. */
  startsLeft: number | null;
  restartsLeft: number | null;
  streak: number;
  everRan: boolean;
  /** Leaves of its start condition that have come. */
  seen: readonly number[];
  base?: Ms;
  /** What it waited for by `hold` has come. */
  released: boolean;
  /** It was being stopped; what was to follow. */
  next?: Next;
  last?: Past;
  /** The start that is kept back is a restart. */
  restart?: boolean;
}

/** Times are the dead runtime's own. */
export interface Memory {
  lastRun: RunId;
  jobs: Readonly<Record<JobId, JobMemory>>;
  maintenanceUntil?: Ms | null;
  watches: Readonly<Record<WatchId, Pick<WatchState, "wanted" | "revision" | "count" | "owed">>>;
  /** The configuration was being read again, or the new one waited for jobs to be gone. */
  reloading: boolean;
  ends: Pick<State, "main" | "override" | "forced" | "firstFailure" | "worst">;
  stop?: NonNullable<State["stop"]>["why"];
}

const finite = (value: number): number | null => (value === Number.POSITIVE_INFINITY ? null : value);
const whole = (value: number | null): number => value ?? Number.POSITIVE_INFINITY;

function jobMemory(own: JobState): JobMemory {
  const { phase, run, streak, everRan, base, released, stop } = own;
  const last = own.past.at(-1);
  return {
    phase,
    startsLeft: finite(own.startsLeft),
    restartsLeft: finite(own.restartsLeft),
    streak,
    everRan,
    released,
    seen: own.seen.flatMap((id, leaf) => (id === undefined ? [] : [leaf])),
    ...(run !== undefined && { run }),
    ...(base !== undefined && { base }),
    ...(stop && { next: stop.next }),
    ...(last && { last }),
    ...(own.pending[0]?.restart && { restart: true }),
  };
}

function watchMemory({ wanted, revision, count, owed }: WatchState): Memory["watches"][WatchId] {
  return { wanted, revision, count, ...(owed !== undefined && { owed }) };
}

/**
 * Memory as JSON. Asked for after each turn, so that a job's part is written anew only when something has happened to it
 * (`remembered`): of a thousand jobs mostly one has changed.
 */
export function memoryText(core: State): string {
  const jobs: string[] = [];
  for (const own of core.jobs.values()) {
    own.remembered ??= `${JSON.stringify(own.job.id)}:${JSON.stringify(jobMemory(own))}`;
    jobs.push(own.remembered);
  }
  return `{"jobs":{${jobs.join()}},${JSON.stringify(restOf(core)).slice(1)}`;
}

function restOf(core: State): Omit<Memory, "jobs"> {
  const { lastRun, main, override, forced, firstFailure, worst, maintenance, stop } = core;
  return {
    lastRun,
    ...(maintenance && { maintenanceUntil: finite(maintenance.until) }),
    watches: Object.fromEntries([...core.watches].map(([id, state]) => [id, watchMemory(state)])),
    reloading: core.reload !== undefined || [...core.loads.values()].some(({ dry }) => !dry),
    ends: {
      worst,
      ...(main && { main }),
      ...(override && { override }),
      ...(forced !== undefined && { forced }),
      ...(firstFailure !== undefined && { firstFailure }),
    },
    ...(stop && { stop: stop.why }),
  };
}

/** An adopted run whose end the dead runtime has dealt with. */
export function isDealtWith(memory: Memory, job: JobId, run: RunId): boolean {
  const own = memory.jobs[job];
  return run <= memory.lastRun && (own?.run !== run || own.phase === "lingering");
}

/** Before anything is adopted: what was counted, and what is over. `shift` is added to the dead runtime's times. */
export function recall(core: State, memory: Memory, shift: Ms, cause: Id): void {
  Object.assign(core, memory.ends);
  core.lastRun = Math.max(core.lastRun, memory.lastRun);
  if (memory.maintenanceUntil !== undefined) {
    enterMaintenance(core, cause, Math.max(0, whole(memory.maintenanceUntil) + shift - core.now));
  }
  for (const own of core.jobs.values()) {
    const known = memory.jobs[own.job.id];
    if (!known) continue;
    own.startsLeft = whole(known.startsLeft);
    own.restartsLeft = whole(known.restartsLeft);
    own.streak = known.streak;
    own.everRan = known.everRan;
    own.released = known.released;
    own.seen = own.leaves.map((_, leaf) => (known.seen.includes(leaf) ? cause : undefined));
    if (known.last) own.past = [known.last];
    if (known.base !== undefined) own.base = known.base + shift;
    if (known.phase === "done") enter(core, own, "done", cause);
  }
  for (const [id, known] of Object.entries(memory.watches)) Object.assign(core.watches.get(id) ?? {}, known);
}

/** Whether an adopted hook runs for a stop that is told to this runtime, or goes on, and not since an earlier one. */
export function isForStop(memory: Memory, own: JobState, run: RunId): boolean {
  return (
    own.hook && (run > memory.lastRun || (memory.stop !== undefined && memory.jobs[own.job.id]?.phase === "running"))
  );
}

/** A stop of its own that had begun, of a job whose process is still there, begins again. */
export function resumeStop(core: State, own: JobState, memory: Memory, cause: Id): void {
  const next = memory.jobs[own.job.id]?.next;
  if (next === undefined || memory.stop || memory.reloading) return;
  happen(core, own.job.id, cause, { t: "leave", next });
}

/** After the adoption: what was about to start starts, what had just ended goes on from there. */
export function resume(core: State, memory: Memory, cause: Id): void {
  for (const own of core.jobs.values()) {
    const known = memory.jobs[own.job.id];
    if (known && own.phase === "waiting") resumeJob(core, own, known, memory.stop !== undefined, cause);
    if (known?.base !== undefined) keepTicking(core, own, cause);
  }
}

function resumeJob(core: State, own: JobState, known: JobMemory, stops: boolean, cause: Id): void {
  switch (known.phase) {
    case "waiting":
    case "done":
      break;
    case "delayed":
      own.pending.push({ cause, at: core.now, restart: known.restart === true, past: [] });
      advance(core, own);
      break;
    case "running":
    case "lingering":
      if (own.job.exec) afterRun(core, own, cause);
      else startNow(core, own, cause);
      break;
    case "stopping":
      if (stops || known.next === "done") enter(core, own, "done", cause);
      else startNow(core, own, cause);
      break;
    default:
      known.phase satisfies never;
  }
}

function keepTicking(core: State, own: JobState, cause: Id): void {
  const { every } = own.job.start;
  if (!every || own.phase === "done") return;
  if ("period" in every) {
    arm(core, { t: "every", of: own.job.id }, nextTick(own.base ?? core.now, every.period, core.now), cause);
  } else emit(core, cause, { t: "cron", job: own.job.id });
}
