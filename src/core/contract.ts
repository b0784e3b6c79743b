/**
 * What goes into the core and what comes out. The core is pure: the same inputs give the same effects; no I/O, no clock.
 */
import type { FactName, JobId, Ms, Plan, ProbeId, ServiceId, Status, WatchId } from "../plan.ts";
import type { Memory } from "./memory.ts";
import type { Overview } from "./overview.ts";

/** Sequence number of an input or fact; the `cause` of what follows from it. */
export type Id = number;
/** One start of one program; never reused. */
export type RunId = number;
export type RequestId = number;

export type Health = "unknown" | "healthy" | "unhealthy" | "maintenance";

export type Ended = { code: number } | { signal: number; core: boolean };

/** Why a run gets a signal: what its end is then put down to. forward: somebody else's wish, handed on. */
export type SignalWhy = "stop" | "replace" | "timeout" | "leftovers" | "forward";

export type Ask =
  | { do: "reload" }
  | { do: "dryRun" }
  | { do: "stop" }
  | { do: "maintenance"; on: boolean; for?: Ms }
  | { do: "restart"; job: JobId }
  | { do: "signal"; job: JobId; signo: number };

/**
 * Everything that can happen to the core. `id` is given by the runtime: one more than the highest id seen so far, its own
 * or a `tell`'s (facts draw from the same sequence).
 */
export type Input = { id: Id } & (
  | {
      t: "boot";
      plan: Plan;
      seed: number;
      adopted: readonly { run: RunId; job: JobId; pid: number; age: Ms }[];
      /** A signal that stops came before anything was started: nothing is. Never together with `adopted`. */
      stop?: { signo: number; pid: number; uid: number };
      /** The adopted one is the main job, and nothing else has begun: it was started just before there was a core. */
      instant?: true;
      /** An earlier runtime of this process has died: what it had begun goes on. */
      rebirth?: { count: number; cause: string; lastRun: RunId; memory?: Memory; shift: Ms };
    }
  | { t: "spawned"; run: RunId; pid: number }
  | { t: "spawnFailed"; run: RunId; errno: string; code: 126 | 127 }
  | { t: "exited"; run: RunId; how: Ended; by: "itself" | "us" | "outside" | "oom"; captured?: string }
  | { t: "groupEmpty"; run: RunId }
  /** Answers the effect `cron`. */
  | { t: "due"; job: JobId; in: Ms }
  | { t: "ready"; run: RunId; through: "notify" | "fd" | "file" | "port" }
  /** Answers the effect `probe` (how: builtin). */
  | { t: "probed"; probe: ProbeId; attempt: number; ok: boolean }
  | { t: "watched"; watch: WatchId; revision: number; count: number; differs: boolean }
  | { t: "announced"; service: ServiceId; attempt: number; ok: boolean }
  | { t: "withdrawn"; service: ServiceId; ok: boolean }
  /** The catalog lost it. */
  | { t: "forgotten"; service: ServiceId }
  /** Somebody else has taken its id. */
  | { t: "clashed"; service: ServiceId }
  | { t: "connections"; job: JobId; open: number }
  | { t: "signal"; signo: number; pid: number; uid: number }
  | { t: "asked"; request: RequestId; ask: Ask }
  /** Answer the effect `load`. */
  | { t: "planned"; request: RequestId; plan: Plan }
  | { t: "planRefused"; request: RequestId }
  /** Answers the effect `sweep`: how many processes are still there. */
  | { t: "swept"; left: number }
  /** The deadline has passed, or nothing at all: a spurious wake is a no-op. */
  | { t: "wake" }
);

/** Internal event: told, queued, handled in the same step. */
export interface Fact {
  fact: FactName;
  source: string;
  asked?: boolean;
  ran?: boolean;
}

/**
 * The messages the core asks for; the runtime's table words them. In `about`: `job`, `probe`, `service`, `watch`, `source`
 * are ids; `run` is a run id; `code`, `signal` an end; `ms` a duration; `left`, `count`, `open` numbers; `errno` a name.
 */
export type LogCode =
  // The container's stop.
  | "stopAsked" // {signal, pid, uid} or {request}
  | "stopAskedAgain"
  | "stopMainEnded" // {job, code}
  | "stopSpent" // {job, code}: no restart left of a job that the container needs
  | "stopUnhealthy" // {job}
  | "stopLate" // {job, code}: `within` passed
  | "stopOverBudget" // {left}: stop.within is used up, runs that are left are killed
  | "strays" // {left}
  // Runs.
  | "exited" // {job, run, code | signal, probe?}: a run that failed
  | "spawnFailed" // {job, run, errno, code, probe?}
  | "timedOut" // {job, run, probe?}: `LABEL timeout after …`
  | "killing" // {job, run, probe?}: `killing command for LABEL`: KILL goes to the group
  | "graceOver" // {job, run}: the stop signal did not end it in time
  | "lost" // {job, run}: killed, but its end was never seen
  | "leftovers" // {job, run}: its group outlived even KILL
  | "restarting" // {job, ms, left}
  | "gaveUp" // {job, code}
  | "hookCut" // {job, hook}
  | "queueFull" // {job, count}
  | "startsOften" // {job, count, ms}: probably a loop
  | "waitsForUnknown" // {job, source}
  | "notInTime" // {job, ms}: `within` passed before its start condition came true
  | "adoptedUnknown" // {job, run}
  // Catalog and health.
  | "deregistering" // {service}
  | "marking" // {service}: for maintenance
  | "registered" // {service}
  | "withdrawGaveUp" // {service}
  | "clashed" // {service}
  | "unhealthy" // {job, probe}
  | "unanswered" // {job, probe}
  | "maintenanceOn"
  | "maintenanceOff"
  // Reload.
  | "reloading"
  | "reloadRefused"
  | "reloaded" // {kept, restarted, added, gone}: counts
  | "rolledBack" // {job}
  | "signalForwarded" // {signal}
  | "signalIgnored"; // {signal}

/** Done by the runtime in list order; failures come back as inputs. `cause`: the input, fact or timer's cause that asked for it. */
export type Effect = { cause: Id } & (
  | {
      t: "spawn";
      run: RunId;
      job: JobId;
      probe?: ProbeId;
      change?: { watch: WatchId; from: number; to: number };
      left?: Ms;
    }
  | { t: "signal"; run: RunId; signo: number; target: "process" | "group"; why?: SignalWhy }
  | { t: "probe"; probe: ProbeId; attempt: number; timeout: Ms }
  /** A wish, not a request: the status as it shall be. Repeated at each good probe (the heartbeat). */
  | { t: "announce"; service: ServiceId; attempt: number; status: Status }
  | { t: "withdraw"; service: ServiceId }
  /** anew: the list that is there counts as a change, whatever was told before. */
  | { t: "watch"; watch: WatchId; on: boolean; anew?: true }
  | { t: "count"; job: JobId; on: boolean }
  | { t: "cron"; job: JobId }
  /** Request 0: asked for by a signal; nobody waits for a reply, and none is given. */
  | { t: "load"; request: RequestId }
  | { t: "reply"; request: RequestId; ok: boolean; body: unknown }
  | { t: "reopen" }
  /** To every process that is left; 0 only counts them. Answered by `swept`. */
  | { t: "sweep"; signo: number }
  /** From here on the deeds of the Plan with this print are in force: what was to stop on a reload has stopped. */
  | { t: "use"; print: string }
  | { t: "tell"; id: Id; fact: Fact }
  /** `code` names a message of the runtime's table; `about` holds its facts (ids, numbers), never a secret. */
  | {
      t: "log";
      level: "debug" | "info" | "warn" | "error";
      code: LogCode;
      about: Readonly<Record<string, string | number>>;
    }
  /** The last effect ever. `main`: whose end is the container's; `hook`: whose code has replaced it. */
  | { t: "exit"; code: number; reason: string; main?: JobId; hook?: JobId }
);

export interface Core {
  /** Changes the core's state and returns what is to be done, in order. `now` never goes back. */
  step(input: Input, now: Ms): readonly Effect[];
  /** The earliest moment at which `step` with `wake` would do something; undefined: never. */
  deadline(): Ms | undefined;
  /** What a job is doing and what it waits for, a line each. */
  explain(job: JobId): readonly string[];
  /** What a runtime that follows this one in the same process needs besides the processes that run: `Memory` as JSON. */
  memory(): string;
  /** How a job is, as ContainerPilot 3 shows it. */
  health(job: JobId): Health;
  /** How everything is at this moment, which is none before the last step's. */
  overview(now: Ms): Overview;
}
