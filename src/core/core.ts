/** The core as the runtime and the tools see it. */
import type { Core } from "./contract.ts";
import { explain } from "./explain.ts";
import { newState } from "./fresh.ts";
import { step } from "./step.ts";
import { earliest } from "./timers.ts";

export function createCore(): Core {
  const state = newState();
  return {
    step: (input, now) => step(state, input, now),
    deadline: () => earliest(state)?.at,
    explain: (job) => explain(state, job),
  };
}
