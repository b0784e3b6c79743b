import type { JobId, Plan } from "../plan.ts";

/** Highest signal number. */
const SIGNAL_MAX = 64;

/**
 * Signals that never reach a forward table: KILL and STOP cannot be taken, the faults mean our own defect, CHLD is the
 * reaper's, 32 and 33 are the C library's.
 */
const NEVER_FORWARDED = new Set([4, 5, 6, 7, 8, 9, 11, 17, 19, 27, 31, 32, 33]);

/** All signals that may be handed to the application as they are. */
function forwardable(): number[] {
  const all: number[] = [];
  for (let signo = 1; signo <= SIGNAL_MAX; signo += 1) if (!NEVER_FORWARDED.has(signo)) all.push(signo);
  return all;
}

/** What the native half may do by itself for the main job, as the plan has it. */
export interface Policy {
  main: JobId | undefined;
  /** Signals handed to it as they are: those the plan does not speak of, and those it forwards. */
  forward: readonly number[];
  graceMs: number;
}

export function policyOf(plan: Plan): Policy {
  const main = plan.jobs.find((job) => job.main);
  const forward = forwardable().filter((signo) => {
    const deed = plan.signals[signo];
    return deed === undefined || (typeof deed === "object" && deed.as === undefined);
  });
  return { main: main?.exec ? main.id : undefined, forward, graceMs: main?.stop.grace ?? 0 };
}
