/**
 * Which entries of the directory are alive, by an observer's own monotonic clock.
 *
 * An entry is alive until `ttlMs` after its file's modification time, which its owner moves. All who share the directory
 * are assumed to run on one host, so modification times and our wall clock agree; and that clock may be set at any time.
 * So it decides only at the first look. After that a time that moved means that the owner lives, and one that has not
 * moved for a TTL of our monotonic clock means that it does not. Between hosts (a network file system) a difference of
 * their clocks shortens or lengthens only what is left of the TTL at the first look.
 */
import type { Ms } from "../plan.ts";
import type { Instance } from "./catalog.ts";
import { type Entry, instanceOf, type Look } from "./directory-entry.ts";
import { sortInstances } from "./instances.ts";

/** File systems stamp with a clock that ticks, so a fresh time may lie a little before or after ours. */
const tickMs: Ms = 50;

interface Life {
  entry: Entry;
  mtimeMs: number;
  /** When we last read it, and until when it is alive; monotonic. */
  lookedAt: Ms;
  until: Ms;
}

export class Lives {
  readonly #lives = new Map<string, Life>();
  readonly #sweepAfterMs: Ms;

  /** `sweepAfterMs`: how long an entry stays after its end. */
  constructor(sweepAfterMs: Ms) {
    this.#sweepAfterMs = sweepAfterMs;
  }

  /** The only files there are. */
  setAll(found: ReadonlyMap<string, Look>, now: Ms, wallNow: number): void {
    for (const name of this.#lives.keys()) if (!found.has(name)) this.#lives.delete(name);
    for (const [name, seen] of found) this.set(name, seen, now, wallNow);
  }

  /** What one file was found to be; undefined: it is not there. */
  set(name: string, seen: Look | undefined, now: Ms, wallNow: number): void {
    if (seen === undefined || !("entry" in seen)) {
      this.#lives.delete(name);
      return;
    }
    const { entry, mtimeMs } = seen;
    const known = this.#lives.get(name);
    this.#lives.set(name, { entry, mtimeMs, lookedAt: now, until: untilOf(known, seen, now, wallNow) });
  }

  isAlive(name: string, now: Ms): boolean {
    return now < (this.#lives.get(name)?.until ?? Number.NEGATIVE_INFINITY);
  }

  /** Passing and alive, sorted. */
  instances(name: string, tag: string | undefined, now: Ms): Instance[] {
    const found: Instance[] = [];
    for (const { entry, until } of this.#lives.values()) {
      if (entry.name !== name || entry.status !== "passing" || now >= until) continue;
      if (tag === undefined || tag === "" || entry.tags.includes(tag)) found.push(instanceOf(entry));
    }
    return sortInstances(found);
  }

  /**
   * Which files to look at again, and when the next one is: at the end of a passing entry of one of these services,
   * unless it was renewed, and of any entry when it is to be removed.
   */
  looks(names: ReadonlySet<string>, now: Ms): { due: string[]; next: Ms } {
    const due: string[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [file, { entry, until, lookedAt }] of this.#lives) {
      const watched = entry.status === "passing" && names.has(entry.name);
      const at = watched && lookedAt < until ? until : until + this.#sweepAfterMs;
      if (at > now) next = Math.min(next, at);
      else if (lookedAt < at) due.push(file);
    }
    return { due, next };
  }

  /** Files whose entries ended long ago and were looked at after that. */
  over(now: Ms): string[] {
    const files: string[] = [];
    for (const [file, { until, lookedAt }] of this.#lives) {
      if (until + this.#sweepAfterMs <= Math.min(now, lookedAt)) files.push(file);
    }
    return files;
  }
}

function untilOf(known: Life | undefined, seen: { entry: Entry; mtimeMs: number }, now: Ms, wallNow: number): Ms {
  const { entry, mtimeMs } = seen;
  const age = Math.max(0, wallNow - mtimeMs);
  if (known === undefined) return now + entry.ttlMs - age;
  if (known.mtimeMs === mtimeMs) return known.until;
  // It was renewed since we last looked. An age that does not fit into that time means a clock that was set.
  const plausible = wallNow - mtimeMs > -tickMs && age < now - known.lookedAt + tickMs;
  return now + entry.ttlMs - (plausible ? age : 0);
}
