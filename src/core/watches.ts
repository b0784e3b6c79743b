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
  emit(core, cause, { t: "watch", watch: state.watch.id, on });
}

export function setWatches(core: State, cause: Id): void {
  for (const state of core.watches.values()) setWatch(core, state, cause);
}

/** A new list: `changed` where it differs, and whether anybody is there. A list is never told twice. */
export function watched(core: State, state: WatchState, input: Extract<Input, { t: "watched" }>): boolean {
  if (!state.on || input.revision <= state.revision) return false;
  const from = state.revision;
  state.revision = input.revision;
  state.count = input.count;
  if (!input.differs) return true;
  const source = state.watch.id;
  const change = { watch: source, from, to: input.revision };
  say(core, input.id, { fact: "changed", source }, { change });
  say(core, input.id, { fact: input.count > 0 ? "healthy" : "unhealthy", source }, { change });
  return true;
}
