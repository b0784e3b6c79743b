/**
 * What a job is doing, why, and what it waits for: read from the state, a line each.
 */
import type { Cond, JobId } from "../plan.ts";
import type { Health } from "./contract.ts";
import { mayCome } from "./deadwaits.ts";
import { codeOf, stepOf } from "./fresh.ts";
import type { JobState, State } from "./state.ts";
import { stepDeadline } from "./stop.ts";

/** Unknown for a job that is not there or is complete; in maintenance that is said of all others. */
export function healthOf(core: State, id: JobId): Health {
  const own = core.jobs.get(id);
  if (!own || own.phase === "done") return "unknown";
  return core.maintenance ? "maintenance" : own.health;
}

export function explain(core: State, id: JobId): readonly string[] {
  const own = core.jobs.get(id);
  if (!own) return [`${id}: no such job`];
  return [
    `${id}: ${own.phase}${own.delay ? ` (${own.delay})` : ""} since ${own.since} (by #${own.cause})`,
    ...waitingLines(core, own),
    ...own.pending.map((each) => `start asked for at ${each.at} (by #${each.cause})`),
    ...stopLines(core, own),
    ...own.past.map((past) => {
      const end = past.errno ?? ("signal" in past.how ? `signal ${past.how.signal}` : `code ${codeOf(past.how)}`);
      return `run ${past.run}: ${past.since} to ${past.until} (by #${past.cause}), ${end}, ended by ${past.by}`;
    }),
  ];
}

function waitingLines(core: State, own: JobState): string[] {
  if (own.phase !== "waiting") return [];
  if (own.base === undefined) return [`starts left: ${own.startsLeft}`, ...tree(core, own)];
  const next = core.timers.get(`every ${own.job.id}`)?.at;
  return [next === undefined ? "waits to be told its next time" : `next run at ${next}`];
}

function tree(core: State, own: JobState): string[] {
  let number = 0;
  const lines = (cond: Cond, depth: number): string[] => {
    const indent = "  ".repeat(depth);
    if ("of" in cond) {
      return [`${indent}${cond.atLeast} of ${cond.of.length}:`, ...cond.of.flatMap((part) => lines(part, depth + 1))];
    }
    const seen = own.seen[number++];
    const state = seen !== undefined ? `seen (by #${seen})` : waitsFor(core, own, cond);
    return [`${indent}${cond.fact} ${cond.source}${cond.only ? ` (only ${cond.only})` : ""}: ${state}`];
  };
  return lines(own.job.start.on, 0);
}

function waitsFor(core: State, own: JobState, leaf: Extract<Cond, { fact: string }>): string {
  const source = core.jobs.get(leaf.source);
  const known = source ?? core.watches.get(leaf.source) ?? core.probes.get(leaf.source);
  if (!known && leaf.source !== "global" && leaf.fact !== "signal" && leaf.fact !== "rendered") {
    return `can never come, because nothing is named ${leaf.source}`;
  }
  if (source?.phase === "done") return `can never come, because ${leaf.source} is done`;
  if (core.life !== "running" && !mayCome(core, leaf, new Set([own.job.id]))) {
    return "can never come, because the container stops";
  }
  return own.startsLeft <= 0 ? "can never start it: no start is left" : "waiting";
}

function stopLines(core: State, own: JobState): string[] {
  if (!own.stop) return [];
  const until = stepDeadline(core, own);
  const hooks = [...own.stop.waitsFor];
  return [
    `stopping${own.stop.asked ? ", asked" : ""}: ${stepOf(own) ?? "begins"}${until === undefined ? "" : ` until ${until}`}`,
    ...(hooks.length > 0 ? [`waits for ${hooks.join(", ")}`] : []),
  ];
}
