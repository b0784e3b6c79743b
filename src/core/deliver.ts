/**
 * From a fact to the jobs and watches that wait for it.
 */
import { matches, note } from "./conditions.ts";
import type { Id } from "./contract.ts";
import { happen } from "./facts.ts";
import { jobState } from "./fresh.ts";
import type { Happening, Item, JobState, State } from "./state.ts";
import { setWatch } from "./watches.ts";

type Trigger = Extract<Happening, { t: "trigger" }>;

/** Hands a fact to those that wait for it, in the Plan's order; `start` is done with a job whose condition it completes. */
export function deliver(
  core: State,
  { fact, id, with: more }: Extract<Item, { t: "fact" }>,
  start: (core: State, own: JobState, cause: Id, what: Trigger) => void,
): void {
  for (const listener of core.listeners.get(`${fact.fact} ${fact.source}`) ?? []) {
    if ("watch" in listener) {
      const state = core.watches.get(listener.watch);
      if (!state || !matches(state.watch.from, fact)) continue;
      state.wanted = true;
      setWatch(core, state, id);
      continue;
    }
    const own = jobState(core, "hold" in listener ? listener.hold : listener.job);
    if ("hold" in listener) {
      if (own.released || !own.job.start.hold || !matches(own.job.start.hold, fact)) continue;
      own.released = true;
      happen(core, own.job.id, id, { t: "release" });
      continue;
    }
    const leaf = own.leaves[listener.leaf];
    if (leaf && matches(leaf, fact) && own.phase !== "done" && note(own, listener.leaf, id)) {
      start(core, own, id, { t: "trigger", ...more });
    }
  }
}
