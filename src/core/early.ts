/**
 * The first step alone: what has to be parsed before the first program can be exec'ed. It does what `step` does with `boot`
 * as far as programs and watches are concerned, and leaves the rest (jobs without a process, due timers) to the first
 * step of the whole core, which goes on with the same state.
 */
import { bootPlan } from "./boot.ts";
import type { Effect, Input } from "./contract.ts";
import { deliver } from "./deliver.ts";
import { say } from "./facts.ts";
import { newState } from "./fresh.ts";
import { accept } from "./start.ts";
import type { State } from "./state.ts";

/** Only for a boot without adopted processes: those need the whole core at once. */
export function bootEarly(
  input: Extract<Input, { t: "boot" }>,
  now: number,
): { state: State; effects: readonly Effect[] } {
  const state = newState();
  state.now = now;
  state.lastId = input.id;
  bootPlan(state, input);
  say(state, input.id, { fact: "startup", source: "global" });
  const left = state.queue;
  state.queue = [];
  for (const item of left) {
    if (item.t !== "fact") state.queue.push(item);
    else {
      deliver(state, item, (core, own, cause, what) => {
        if (own.phase === "waiting") accept(core, own, cause, what);
        else core.queue.push({ t: "happening", job: own.job.id, what, cause });
      });
    }
  }
  const effects = state.out;
  state.out = [];
  return { state, effects };
}
