/** Where a problem stands: from its key path, through the rendered text, to the file that the user edits. */
import { type Json5, type Mark, type Marks, readJson5 } from "./json5.ts";
import { DEPTH_MAX } from "./limits.ts";
import type { Attempt } from "./load.ts";
import type { Path, Problem } from "./problems.ts";
import type { Origin } from "./template/sourcemap.ts";

/** Offsets in the text as read, in UTF-16 units. */
export interface Place {
  offset: number;
  /** Actions of the template that made what stands there, or should have. */
  origins: readonly Blamed[];
}

/** An action; `silent`: it printed nothing, so something is missing. */
export interface Blamed {
  origin: Origin;
  silent: boolean;
}

/** Finds places in one attempt; the rendered text is read a second time, with marks, when the first one is asked for. */
export class Locator {
  readonly #attempt: Attempt;
  #read: { result: Json5; marks: Marks } | undefined;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  /** What to order problems by: the offset in the rendering; -1 without one. */
  order({ sourceOffset, offset, path, atKey }: Problem): number {
    if (sourceOffset !== undefined) return -1;
    if (offset !== undefined) return offset;
    const mark = path.length === 0 ? undefined : this.#find(path)?.mark;
    return mark ? ((atKey ? mark.key : undefined) ?? mark.value) : -1;
  }

  /** undefined: the problem is not about a place in the text. */
  placeOf(problem: Problem): Place | undefined {
    if (problem.sourceOffset !== undefined) return { offset: problem.sourceOffset, origins: [] };
    if (problem.offset !== undefined) return this.#fault(problem.offset);
    return problem.path.length === 0 ? undefined : this.placeOfPath(problem.path, problem.atKey ?? false);
  }

  placeOfPath(path: Path, atKey: boolean): Place | undefined {
    const found = this.#find(path);
    if (!found) return undefined;
    const { mark, whole } = found;
    if (!whole) return this.#map(mark.value, mark.value);
    return atKey && mark.key !== undefined ? this.#map(mark.key, mark.value) : this.#map(mark.value, mark.end);
  }

  #marked(): { result: Json5; marks: Marks } {
    if (!this.#read) {
      const marks: Marks = { of: new Map(), repeated: [] };
      this.#read = { result: readJson5(this.#attempt.rendered, DEPTH_MAX, marks), marks };
    }
    return this.#read;
  }

  /** The mark of a path, or of the nearest thing around it; keys are found in other cases too, as the decoder does. */
  #find(path: Path): { mark: Mark; whole: boolean } | undefined {
    const { result, marks } = this.#marked();
    if (!result.ok) return undefined;
    const start = /\S/.exec(this.#attempt.rendered)?.index ?? 0;
    let mark: Mark = { value: start, end: this.#attempt.rendered.length };
    let value: unknown = result.value;
    for (const part of path) {
      const inside = typeof value === "object" && value !== null ? marks.of.get(value) : undefined;
      const name = inside && !inside.has(part) ? [...inside.keys()].find((key) => sameKey(key, part)) : part;
      const next = name === undefined ? undefined : inside?.get(name);
      if (!next) return { mark, whole: false };
      mark = next;
      value = (value as Record<string | number, unknown>)[name as string];
    }
    return { mark, whole: true };
  }

  /** A fault of the syntax: what printed nothing just before it is what is missing. */
  #fault(offset: number): Place {
    const { rendered, map } = this.#attempt;
    const before = rendered.slice(0, offset).trimEnd().length;
    const silent = map?.silent(before, offset).filter(isAction) ?? [];
    const hole = silent.at(-1);
    if (hole) return { offset: hole.sourceOffset, origins: silent.map((origin) => ({ origin, silent: true })) };
    const origin = map?.at(offset);
    return {
      offset: origin?.sourceOffset ?? offset,
      origins: origin?.action ? [{ origin, silent: false }] : [],
    };
  }

  /** A key or value: the actions that printed into it, or would have. */
  #map(from: number, to: number): Place {
    const { map } = this.#attempt;
    if (!map) return { offset: from, origins: [] };
    const origins = new Map<number, Blamed>();
    for (let at = from; at < Math.min(to, from + SCAN_MAX); at += 1) {
      const origin = map.at(at);
      if (origin.action) origins.set(origin.sourceOffset, { origin, silent: false });
    }
    for (const origin of to > from ? map.silent(from + 1, to - 1).filter(isAction) : []) {
      origins.set(origin.sourceOffset, { origin, silent: true });
    }
    const all = [...origins].sort(([a], [b]) => a - b).map(([, blamed]) => blamed);
    return { offset: map.at(from).sourceOffset, origins: all };
  }
}

/** A value is searched for the actions in it up to this length. */
const SCAN_MAX = 256;

/** Something that should have printed, as opposed to a branch that was not taken. */
function isAction(origin: Origin): boolean {
  return origin.action !== undefined;
}

function sameKey(key: string | number, part: string | number): boolean {
  return typeof key === "string" && typeof part === "string" && key.toLowerCase() === part.toLowerCase();
}
