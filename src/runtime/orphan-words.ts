/** A chunk of its own: most applications leave hardly an orphan. */
import type { OrphanKind } from "../native/pilot.ts";

/** Most kinds of orphans that one line names. */
const KINDS_MAX = 5;

/** One line: how many there were, of which programs, and where the last one of the most frequent came from. */
export function orphanWords(kinds: readonly OrphanKind[]): string {
  const sorted = kinds.toSorted((a, b) => b.count - a.count);
  const total = sorted.reduce((sum, { count }) => sum + count, 0);
  const names = sorted.slice(0, KINDS_MAX).map(({ comm, count }) => `${comm} ${count}`);
  if (sorted.length > KINDS_MAX) names.push("…");
  const [first] = sorted;
  const from = first?.job ? `from job ${first.job}` : "from no job that runs";
  const last = first === undefined ? "" : `; the last ${first.comm} (${first.pid}) came ${from}`;
  return `${total} processes were left behind by parents that ended before them, and reaped here: ${names.join(", ")}${last}`;
}
