/** The core as the runtime and the tools see it. */
import type { Core } from "./contract.ts";
import { explain, healthOf } from "./explain.ts";
import { newState } from "./fresh.ts";
import { memoryText } from "./memory.ts";
import { overviewOf } from "./overview.ts";
import type { State } from "./state.ts";
import { step } from "./step.ts";
import { earliest } from "./timers.ts";

/** `state`: goes on where `bootEarly` left; by default everything is still to come. */
export function createCore(state: State = newState()): Core {
  return {
    step: (input, now) => step(state, input, now),
    deadline: () => earliest(state)?.at,
    memory: () => memoryText(state),
    explain: (job) => explain(state, job),
    health: (job) => healthOf(state, job),
    overview: (now) => overviewOf(state, now),
  };
}
