import type { JobId, Plan } from "../plan.ts";
import { forwardable } from "./signals.ts";

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
