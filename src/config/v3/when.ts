/** `when`: what starts a job, from the original's events to conditions of the Plan. */
import type { Cond, FactName, Job, Leaf } from "../../plan.ts";
import type { Read } from "../decode.ts";
import { SAME_NAME_MAX } from "../limits.ts";
import { STARTUP, startOn } from "../parts.ts";
import type { Path, Problems } from "../problems.ts";
import type { WHEN } from "./keys.ts";

/** Ids by the name that a `source` may use; several where a name repeats. */
export type Sources = ReadonlyMap<string, readonly string[]>;

interface Around {
  /** The job's own name. */
  name: string;
  at: Path;
  sources: Sources;
  /** Signals that are events for jobs. */
  signals: ReadonlySet<string>;
  problems: Problems;
}

/** Events that only the container as a whole has. */
const GLOBAL = new Set(["startup", "enterMaintenance", "exitMaintenance"]);

/**
 * The start of a job. Without `when`, once at startup; at most one of `interval`, `once` and `each`; a signal's name as
 * `source` wins over the event. What can never fire is kept as it is (the original starts it never) and warned about.
 */
export function readStart(when: Read<typeof WHEN> | undefined, around: Around): Job["start"] {
  const { problems } = around;
  if (when === undefined) return startOn(STARTUP);
  const given = (["interval", "once", "each"] as const).filter((key) => when[key]);
  if (given.length > 1) {
    problems.error("one-of", when.at, { about: { keys: given }, also: given.map((key) => [...when.at, key]) });
  }
  if (when.interval) {
    return { ...startOn(STARTUP), every: { period: when.interval.ms, first: "now" } };
  }
  const start = conditionOf(when, around);
  const within = when.timeout?.ms ?? 0;
  return within > 0 ? { ...start, within: { ms: within, otherwise: "quit" } } : start;
}

function conditionOf(when: Read<typeof WHEN>, around: Around): Job["start"] {
  const { source } = when;
  if (around.signals.has(source)) {
    return startOn({ fact: "signal", source }, Number.POSITIVE_INFINITY);
  }
  const event = when.once || when.each;
  const times = event === undefined ? 0 : when.once ? 1 : Number.POSITIVE_INFINITY;
  const fact = times === 0 ? undefined : factOf(event as string, when, around);
  if (fact === undefined) {
    if (times === 0) around.problems.warn("never-fires", when.at, { found: when });
    return startOn(STARTUP, 0);
  }
  return { ...startOn(leavesOf(fact, source, around.sources), times), overlap: overlapOf(fact, source) };
}

/** The fact of an event word; undefined, with a warning, for what starts nothing. */
function factOf(event: string, when: Read<typeof WHEN>, { name, sources, problems }: Around): FactName | undefined {
  const key = when.once ? "once" : "each";
  const at = [...when.at, key];
  const { source } = when;
  if (event === "shutdown") problems.warn("once-shutdown", at, { found: event });
  else if (event === "error" || event === "quit" || event.startsWith("SIG")) {
    problems.warn("never-fires", at, { found: event });
  } else if (GLOBAL.has(event)) {
    if (source === "global") return event as FactName;
    problems.warn("global-source", [...when.at, "source"], { found: source, about: { event } });
  } else if (source === name && event.startsWith("exit")) problems.warn("own-exit", at, { found: event });
  else {
    if (!sources.has(source)) {
      problems.warn("unknown-source", [...when.at, "source"], { found: source, about: { sources } });
    }
    if (event === "changed") {
      if (!source.startsWith("watch.")) problems.warn("never-fires", at, { found: event, about: { watch: true } });
      else if (key === "once") problems.warn("once-changed", at, { found: event });
    }
    return event as FactName;
  }
  return undefined;
}

/** A repeated name stands for all that bear it. */
function leavesOf(fact: FactName, source: string, sources: Sources): Cond {
  const same = sources.get(source)?.slice(0, SAME_NAME_MAX) ?? [source];
  const leaves = same.map((id): Leaf => ({ fact, source: id }));
  return leaves.length === 1 ? (leaves[0] as Leaf) : { atLeast: 1, of: leaves };
}

/** Every exit counts, up to a bound; of the rest a run that is due after this one is enough. */
function overlapOf(fact: FactName, source: string): Job["start"]["overlap"] {
  const exit = (fact === "exitSuccess" || fact === "exitFailed") && !source.startsWith("watch.");
  return exit ? { mode: "queue", max: 100 } : { mode: "coalesce", max: 1 };
}
