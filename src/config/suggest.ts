/** Which key or word somebody meant. */
import type { Table } from "./decode.ts";
import { V2 } from "./v2/keys.ts";
import { V3 } from "./v3/keys.ts";

/** The word of the list that is a slip of the finger away: at most a third of its letters, at most three. */
export function nearest(word: string, among: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  let best: { word: string; distance: number } | undefined;
  for (const candidate of among) {
    const limit = Math.min(3, Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3)));
    const distance = editDistance(lower, candidate.toLowerCase(), limit);
    if (distance <= limit && (!best || distance < best.distance)) best = { word: candidate, distance };
  }
  return best?.word;
}

/** Insertions, deletions, replacements and swaps of neighbours between two words; anything above `limit` is as good as infinite. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (before[j - 2] as number) + 1);
      }
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length] as number;
}

const TABLES = { v2: V2, v3: V3 } as const;

/** What people write for a key of the other dialect, or of the documentation's slips. By the list or object that it stands in. */
const MEANT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  services: { exec: "health", interval: "poll", command: "health", interface: "interfaces" },
  backends: { exec: "onChange", interval: "poll", onchange: "onChange", tags: "tag" },
  tasks: { exec: "command", interval: "frequency", execTimeout: "timeout", poll: "frequency" },
  coprocesses: { exec: "command", restart: "restarts" },
  jobs: { command: "exec", frequency: "when: {interval: …}", poll: "health: {interval: …}", restart: "restarts" },
  health: { poll: "interval", command: "exec", check: "exec", tll: "ttl" },
  when: { event: "once or each", frequency: "interval", each_event: "each" },
  watches: { poll: "interval", tags: "tag" },
  telemetry: { metrics: "sensors", sensors: "metrics" },
};

/** A hint for a key that is not known at this place: misspelt, at the wrong level, or of the other dialect. */
export function hintForKey(
  key: string,
  parent: string | undefined,
  known: readonly string[],
  dialect: "v2" | "v3",
): string | undefined {
  const near = meantBy(key, parent, known) ?? nearest(key, known);
  if (near) return `did you mean ${near}?`;
  const here = placesOf(key, TABLES[dialect]);
  if (here.length > 0) return `${key} belongs ${list(here)}`;
  const other = dialect === "v2" ? "v3" : "v2";
  const there = placesOf(key, TABLES[other]);
  const name = other === "v2" ? "ContainerPilot 2" : "ContainerPilot 3";
  return there.length > 0 ? `${name} has ${key}, ${list(there)}` : undefined;
}

/** The parent and the key come from the file: only own keys of the table count. */
function meantBy(key: string, parent = "", known: readonly string[]): string | undefined {
  const here = Object.hasOwn(MEANT, parent) ? (MEANT[parent] as Readonly<Record<string, string>>) : {};
  const meant = Object.hasOwn(here, key) ? here[key] : undefined;
  return meant !== undefined && known.includes(meant.split(/[ :]/)[0] as string) ? meant : undefined;
}

/** Where a table has a key, as `in services[]`; `at the top level` for a key of the table itself. */
function placesOf(key: string, table: Table, prefix = ""): readonly string[] {
  const places: string[] = [];
  for (const [name, kind] of Object.entries(table)) {
    if (name === key && kind.t !== "ignored")
      places.push(prefix === "" ? "at the top level" : `in ${prefix.slice(0, -1)}`);
    if ("keys" in kind) places.push(...placesOf(key, kind.keys, `${prefix}${name}${kind.t === "list" ? "[]" : ""}.`));
  }
  return places;
}

function list(places: readonly string[]): string {
  return places.length > 3 ? `${places.slice(0, 3).join(", ")} and elsewhere` : places.join(" or ");
}
