/**
 * The state at its beginning, and small views on it.
 */
import type { Job, JobId, Leaf, Ms, Probe, StopStep } from "../plan.ts";
import type { Ended, Id } from "./contract.ts";
import type { JobState, ProbeState, State } from "./state.ts";

/** Leaves of a condition, depth first. */
export function leavesOf(on: Job["start"]["on"]): Leaf[] {
  return "of" in on ? on.of.flatMap(leavesOf) : [on];
}

export function newProbeState(probe: Probe): ProbeState {
  return {
    probe,
    ...(probe.service && { service: { id: probe.service.id, attempt: 0, withdrawing: false } }),
    attempt: 0,
    missed: false,
    active: false,
    base: 0,
    early: false,
    good: 0,
    bad: 0,
    lastGood: 0,
    status: "unknown",
    critical: false,
  };
}

export function newJobState(job: Job, now: Ms, cause: Id): JobState {
  const leaves = leavesOf(job.start.on);
  return {
    job,
    leaves,
    seen: leaves.map(() => undefined),
    hook: job.exec && leaves.some((leaf) => leaf.fact === "stopping" || leaf.fact === "stopped"),
    phase: "waiting",
    since: now,
    cause,
    startsLeft: job.start.times,
    restartsLeft: job.restart.limit,
    streak: 0,
    everRan: false,
    released: !job.start.hold,
    pending: [],
    ticksOver: false,
    past: [],
    health: "unknown",
    probes: job.probes.map(newProbeState),
    remembered: undefined,
    burst: { since: now, count: 0 },
  };
}

export function newState(): State {
  return {
    plan: {
      print: "",
      jobs: [],
      watches: [],
      signals: {},
      ends: { when: "onlyAsked", code: "zero", overrides: [], neverStarted: "zero", map: {} },
      stop: { within: Number.POSITIVE_INFINITY, strays: 0 },
      settle: 0,
    },
    life: "new",
    now: Number.NEGATIVE_INFINITY,
    lastId: 0,
    lastRun: 0,
    random: 1,
    jobs: new Map(),
    active: new Set(),
    waiting: new Set(),
    busy: new Map(),
    runs: new Map(),
    watches: new Map(),
    probes: new Map(),
    services: new Map(),
    listeners: new Map(),
    hooks: new Map(),
    timers: new Map(),
    heap: [],
    armedEver: 0,
    withdrawing: 0,
    catalogHangs: false,
    dirty: false,
    worst: 0,
    loads: new Map(),
    stale: 0,
    queue: [],
    out: [],
  };
}

export function jobState(core: State, id: JobId): JobState {
  const own = core.jobs.get(id);
  if (!own) throw new Error(`no job ${id}`);
  return own;
}

/** The step of its stop that a job is in; gone: it only waits until it is gone. */
export function stepOf(own: JobState): StopStep | "gone" | undefined {
  return own.stop && (own.job.stop.order[own.stop.at] ?? (own.stop.at < 0 ? undefined : "gone"));
}

/** A run's code as a shell gives it: 128 + n for death by signal n. */
export function codeOf(how: Ended): number {
  return "code" in how ? how.code : 128 + how.signal;
}
