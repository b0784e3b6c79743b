/**
 * The core's whole memory. Plain data (maps, sets, arrays, numbers), so that a test can clone and compare it.
 */
import type { Job, JobId, Leaf, Ms, Plan, Probe, ProbeId, ServiceId, Status, Watch, WatchId } from "../plan.ts";
import type { Effect, Ended, Fact, Id, RequestId, RunId } from "./contract.ts";

/** waiting: for its condition. delayed: triggered, but kept back. lingering: process gone, group not empty. done: for good. */
export type Phase = "waiting" | "delayed" | "running" | "lingering" | "stopping" | "done";

/** What keeps a triggered start back. step: the stop it hooks into has not come to its hooks yet. */
export type Delay = "hold" | "maintenance" | "step" | "quiet" | "splay" | "backoff";

/** Which instances moved, for the environment of the hook: revisions of the watch's list. */
export interface Change {
  watch: WatchId;
  from: number;
  to: number;
}

/** A start that was asked for and has not begun. */
export interface Pending {
  cause: Id;
  at: Ms;
  change?: Change;
  /** A further run of the same trigger: only `backoff` keeps it back. */
  restart: boolean;
  /** The timed delays that it has behind it. */
  past: Delay[];
}

/** What follows a job's stop. again: by request, at once; restart: as after a failure, with budget and back-off. */
export type Next = "done" | "again" | "restart";

export interface Stopping {
  /** Somebody wanted it to stop; otherwise it has ended by itself. */
  asked: boolean;
  next: Next;
  /** At its beginning a process was there (or the job ran without one). */
  there: boolean;
  /** Position in `stop.order`: the step that is being waited for; `order.length`: waiting until gone. */
  at: number;
  /** Hooks that the step `hooks` waits for. */
  waitsFor: Set<JobId>;
}

export interface Run {
  id: RunId;
  job: JobId;
  probe?: ProbeId;
  pid?: number;
  since: Ms;
  cause: Id;
  /** Why we ended it. */
  ending?: "timeout" | "stop" | "replace";
  killed: boolean;
  /** The process is gone, its group is not. */
  gone: boolean;
  /** What the rest of its group got. */
  group?: "asked" | "killed";
  /** Its readiness was told. */
  ready?: boolean;
}

/** How a run ended. errno: it could not be started. */
export interface End {
  how: Ended;
  errno?: string;
  by: "itself" | "us" | "outside" | "oom";
}

export interface Past extends End {
  run: RunId;
  cause: Id;
  since: Ms;
  until: Ms;
  ending?: Run["ending"] | undefined;
}

export interface ServiceState {
  id: ServiceId;
  /** The status as it shall be; undefined: not in the catalog. */
  want?: Status;
  /** The last wish that the catalog confirmed. */
  told?: Status;
  /** Not wished by this core, but an earlier one of the same process may have announced it. */
  perhaps?: boolean;
  attempt: number;
  withdrawing: boolean;
}

export interface ProbeState {
  probe: Probe;
  service?: ServiceState;
  attempt: number;
  /** One probe is under way. stale: its result does not count (stop, maintenance). */
  busy?: { run?: RunId; early: boolean; stale: boolean };
  /** A tick passed while it was busy. */
  missed: boolean;
  active: boolean;
  /** Start of the phase of regular probes. */
  base: Ms;
  /** Good news only, until the first success or the end of the early time. */
  early: boolean;
  good: number;
  bad: number;
  lastGood: Ms;
  status: "unknown" | "healthy" | "unhealthy";
  critical: boolean;
}

export interface JobState {
  job: Job;
  /** Leaves of `start.on`, depth first, and for each the fact that came (since the last start it caused). */
  leaves: readonly Leaf[];
  seen: (Id | undefined)[];
  /** Waits for somebody's `stopping` or `stopped`. */
  hook: boolean;
  phase: Phase;
  since: Ms;
  cause: Id;
  startsLeft: number;
  restartsLeft: number;
  /** Quick ends in a row, for the back-off. */
  streak: number;
  /** A start of it was tried at least once. */
  everRan: boolean;
  /** The fact of `hold` was seen, or its bound has passed. */
  released: boolean;
  pending: Pending[];
  delay?: Delay;
  /** Interval jobs: a multiple of the period counted from here. */
  base?: Ms;
  /** Interval jobs: the tick that found no run left has come. */
  ticksOver: boolean;
  /** A hook that an earlier runtime has started for a stop which is told, or begun, again: this run is the one. */
  begunFor?: RunId;
  run?: RunId;
  /** The last five ends, newest last. */
  past: Past[];
  stop?: Stopping;
  health: "unknown" | "healthy" | "unhealthy";
  probes: ProbeState[];
  /** Its part of the memory as JSON, until something happens to it. */
  remembered: string | undefined;
  /** Starts in the running window of ten seconds, for the loop warning. */
  burst: { since: Ms; count: number };
}

export interface WatchState {
  watch: Watch;
  /** The fact it begins with has come. */
  wanted: boolean;
  on: boolean;
  /** What it was told before its first switch-on does not count. */
  anew?: boolean;
  revision: number;
  count: number;
  /** A change came while it was off: the revision that was told before. */
  owed?: number;
}

export type JobTimer = "delay" | "every" | "within" | "hookMax" | "withdrawMax" | "drainMax" | "drainQuiet";
export type RunTimer = "timeout" | "grace" | "lost" | "group";
export type ProbeTimer = "probe" | "lapse" | "unanswered";
export type CoreTimer = "budget" | "deadline" | "strays" | "maintenanceEnds" | "settle" | "remind" | "look";
export type Timer =
  | { t: JobTimer; of: JobId }
  | { t: RunTimer; of: RunId }
  | { t: ProbeTimer; of: ProbeId }
  | { t: CoreTimer };

export interface Armed {
  timer: Timer;
  at: Ms;
  cause: Id;
  /** Order of arming, the last tie-break. */
  seq: number;
}

/** What happens to one job; the columns of the handler table. */
export type Happening =
  /** asked: by request, which uses up no start; passing: by the stop of a job that starts again, which uses up none either. */
  | { t: "trigger"; change?: Change; asked?: boolean; passing?: boolean }
  /** What keeps its start back may be over. */
  | { t: "release" }
  /** It runs: its process is there, or it needs none. */
  | { t: "begun" }
  /** It is there and has probes that do not wait for its start. */
  | { t: "idle" }
  | { t: "ended"; run: RunId; end: End }
  | { t: "empty" }
  /** It has ended by itself, for good. */
  | { t: "complete" }
  | { t: "leave"; next: Next }
  /** `stopping` was handed to everybody: take the steps. */
  | { t: "proceed" }
  | { t: "hookOver"; hook: JobId }
  | { t: "withdrawn" }
  | { t: "connections"; open: number }
  | { t: "hurry" }
  | { t: JobTimer }
  | { t: "timeout" | "grace" };

export type StopWhy =
  | { by: "signal"; signo: number; pid: number; uid: number }
  | { by: "control" | "done" }
  | { by: "main"; job: JobId }
  | { by: "spent" | "late"; job: JobId; code: number }
  | { by: "unhealthy"; job: JobId };

/** Work inside one step, first in, first out. Cells append here and never call another job's cell. */
export type Item =
  | { t: "fact"; fact: Fact; id: Id; with: { change?: Change; passing?: boolean } }
  | { t: "happening"; job: JobId; what: Happening; cause: Id }
  | { t: "stop"; why: StopWhy; cause: Id };

/** Who wants to hear a fact. */
export type Listener = { job: JobId; leaf: number } | { hold: JobId } | { watch: WatchId };

export interface Diff {
  kept: JobId[];
  restarted: JobId[];
  added: JobId[];
  gone: JobId[];
}

export interface Reload {
  plan: Plan;
  request: RequestId;
  cause: Id;
  diff: Diff;
  /** Jobs that have to be gone before the new Plan is put in place. */
  leaving: Set<JobId>;
  /** All jobs begin once more: the stop and the start of it are told as the container's own are. */
  anew: boolean;
  /** It brings the old Plan back, because this job did not get well. */
  rollback?: JobId;
}

export interface State {
  plan: Plan;
  life: "new" | "running" | "stopping" | "sweeping" | "over";
  now: Ms;
  /** Highest id of an input or fact so far. */
  lastId: Id;
  lastRun: RunId;
  random: number;
  jobs: Map<JobId, JobState>;
  /** Jobs that are not done. */
  active: Set<JobId>;
  /** Jobs that wait for their condition. */
  waiting: Set<JobId>;
  /** How many of the other active jobs have each rank. */
  busy: Map<number, number>;
  runs: Map<RunId, Run>;
  watches: Map<WatchId, WatchState>;
  probes: Map<ProbeId, JobId>;
  services: Map<ServiceId, ProbeId>;
  listeners: Map<string, Listener[]>;
  /** Jobs by the job whose `stopping` they wait for. */
  hooks: Map<JobId, JobId[]>;
  timers: Map<string, Armed>;
  heap: Armed[];
  armedEver: number;
  /** Services with a withdrawal under way. */
  withdrawing: number;
  /** It let a withdrawal pass its bound: the next ones are not waited for. */
  catalogHangs: boolean;
  /** Something happened that may end a wait of the stop or of a reload. */
  dirty: boolean;
  maintenance?: { cause: Id; until: Ms };
  stop?: { why: StopWhy; cause: Id; shutdown: Id; at: Ms; rank: number; asks: number; hurry: boolean };
  sweep?: { poll: Ms; killAt: Ms; killed: boolean; left: number };
  main?: { job: JobId; code: number; how: Ended; ending?: Run["ending"] | undefined; cause: Id };
  /** The last failure of a hook whose code counts. */
  override?: { job: JobId; code: number };
  /** A code that was decided by something else than a job's ordinary end. */
  forced?: number;
  firstFailure?: number;
  worst: number;
  loads: Map<RequestId, { dry: boolean; again: boolean }>;
  reload?: Reload;
  settling?: { old: Plan; request: RequestId; diff: Diff };
  /** Inputs about something that is not current any more. */
  stale: number;
  queue: Item[];
  out: Effect[];
}
