/** What is remembered of one run of a program, and what it is started with. */
import type { Effect, RunId } from "../core/contract.ts";
import type { Attributes, NativeEvent } from "../native/pilot.ts";
import type { Command, JobId, ProcessAttributes } from "../plan.ts";
import type { Reason, Sent } from "./reason.ts";
import { SIGKILL } from "./signals.ts";

export type Spawn = Extract<Effect, { t: "spawn" }>;

/** What is known of a run besides the core's own state. */
export interface RunRecord {
  run: RunId;
  job: JobId;
  probe: string | undefined;
  command: Command;
  pid: number;
  /** Signals that we have sent it, oldest first: one of each kind. */
  sent: Sent[];
  /** Once it has ended. */
  reason: Reason | undefined;
  /** Its lines or its value are not complete until `closed`. */
  awaits: boolean;
  /** Kept back until `closed`. */
  late: NativeEvent[];
  /** The value, or the last lines, once closed. */
  output: string;
}

/** A start that failed, for the message. */
export interface FailedStart {
  command: Command;
  /** What was wrong with its program, in words. */
  why: string;
}

/** Of a run that has just been started. */
export function recordOf(effect: Spawn, command: Command, pid: number): RunRecord {
  return {
    run: effect.run,
    job: effect.job,
    probe: effect.probe,
    command,
    pid,
    sent: [],
    reason: undefined,
    awaits: command.output !== "inherit",
    late: [],
    output: "",
  };
}

/** What the native half is to set. A health check does not outlive us: nobody would take its answer. */
export function attributesOf(given: ProcessAttributes = {}, probe: boolean): Attributes {
  const { limits, ...rest } = given;
  return {
    ...rest,
    ...(limits && { limits: Object.entries(limits).map(([name, [soft, hard]]) => [name, soft, hard] as const) }),
    ...(probe && { deathSignal: SIGKILL }),
  };
}
