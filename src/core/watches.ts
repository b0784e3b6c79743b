/**
 * Watches: on from their first fact until the stop, paused by maintenance where they say so.
 */
import type { Id, Input } from "./contract.ts";
import { emit, say } from "./facts.ts";
import type { State, WatchState } from "./state.ts";

/** Switches a watch on or off as its state and the container's ask for. */
export function setWatch(core: State, state: WatchState, cause: Id): void {
  const on = state.wanted && core.life === "running" && !(core.maintenance && state.watch.maintenancePauses);
  if (on === state.on) return;
  state.on = on;
  emit(core, cause, { t: "watch", watch: state.watch.id, on, ...(state.anew && { anew: true }) });
  if (on) delete state.anew;
  if (on && state.owed !== undefined) tell(core, state, state.owed, cause);
}

export function setWatches(core: State, cause: Id): void {
  for (const state of core.watches.values()) setWatch(core, state, cause);
}

/** A new list. One that was on its way when maintenance began is told at its end. False: it is not new. */
export function watched(core: State, state: WatchState, input: Extract<Input, { t: "watched" }>): boolean {
  if (!state.wanted || core.life !== "running" || input.revision <= state.revision) return false;
  const from = state.owed ?? state.revision;
  state.revision = input.revision;
  state.count = input.count;
  if (!input.differs) return true;
  if (state.on) tell(core, state, from, input.id);
  else state.owed = from;
  return true;
}

/** `changed`, and whether anybody is there. */
function tell(core: State, state: WatchState, from: number, cause: Id): void {
  delete state.owed;
  const source = state.watch.id;
  const change = { watch: source, from, to: state.revision };
  say(core, cause, { fact: "changed", source }, { change });
  say(core, cause, { fact: state.count > 0 ? "healthy" : "unhealthy", source }, { change });
}
