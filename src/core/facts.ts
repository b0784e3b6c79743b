/**
 * What cells say: facts to all, happenings to one job, effects to the runtime. Nothing here calls a cell.
 */
import type { JobId } from "../plan.ts";
import type { Effect, Fact, Id, LogCode } from "./contract.ts";
import type { Change, Happening, JobState, Phase, State, StopWhy } from "./state.ts";

type Deed<E> = E extends { cause: Id } ? Omit<E, "cause"> : never;

export function emit(core: State, cause: Id, deed: Deed<Effect>): void {
  core.out.push({ ...deed, cause } as Effect);
}

export function log(
  core: State,
  cause: Id,
  level: "debug" | "info" | "warn" | "error",
  code: LogCode,
  about: Readonly<Record<string, string | number>> = {},
): void {
  emit(core, cause, { t: "log", level, code, about });
}

/** Tells a fact: it gets its id now and is handed to its listeners when its turn comes, in this same step. */
export function say(core: State, cause: Id, fact: Fact, more: { change?: Change; passing?: boolean } = {}): Id {
  const id = ++core.lastId;
  emit(core, cause, { t: "tell", id, fact });
  core.queue.push({ t: "fact", fact, id, with: more });
  return id;
}

export function happen(core: State, job: JobId, cause: Id, what: Happening): void {
  core.queue.push({ t: "happening", job, what, cause });
}

export function askStop(core: State, cause: Id, why: StopWhy): void {
  core.queue.push({ t: "stop", why, cause });
}

/** The only way to change a job's phase. */
export function enter(core: State, own: JobState, phase: Phase, cause: Id): void {
  own.remembered = undefined;
  count(core, own, -1);
  own.phase = phase;
  own.since = core.now;
  own.cause = cause;
  count(core, own, 1);
  core.dirty = true;
}

/** Books a job in or out under its phase. */
export function count(core: State, own: JobState, by: 1 | -1): void {
  const { id, stop } = own.job;
  if (own.phase === "done") return;
  const change = by > 0 ? "add" : "delete";
  core.active[change](id);
  if (own.phase === "waiting") core.waiting[change](id);
  else core.busy.set(stop.rank, (core.busy.get(stop.rank) ?? 0) + by);
}
