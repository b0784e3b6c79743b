/**
 * Deadlines as state. Arming a key again moves its deadline; the runtime keeps one real timer for the earliest.
 *
 * A binary heap with lazy deletion: `timers` says what is armed, a heap entry that is not the armed one is dead.
 */
import type { Ms } from "../plan.ts";
import type { Id } from "./contract.ts";
import type { Armed, State, Timer } from "./state.ts";

/** Dead entries that the heap may hold beyond the live ones before it is rebuilt. */
const deadEntriesMax = 64;

function keyOf(timer: Timer): string {
  return "of" in timer ? `${timer.t} ${timer.of}` : timer.t;
}

function before(a: Armed, b: Armed): boolean {
  return a.at !== b.at ? a.at < b.at : a.cause !== b.cause ? a.cause < b.cause : a.seq < b.seq;
}

function siftUp(heap: Armed[], entry: Armed): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up] as Armed;
    if (!before(entry, parent)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = entry;
}

function pop(heap: Armed[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const left = heap[child];
    if (!left) break;
    const right = heap[child + 1];
    if (right && before(right, left)) child++;
    const least = heap[child] as Armed;
    if (!before(least, last)) break;
    heap[at] = least;
    at = child;
  }
  heap[at] = last;
}

/** Arms (or moves) a timer. A deadline of Infinity is none: the timer is disarmed. */
export function arm(core: State, timer: Timer, at: Ms, cause: Id): void {
  const key = keyOf(timer);
  if (at === Number.POSITIVE_INFINITY) {
    core.timers.delete(key);
    return;
  }
  const entry: Armed = { timer, at, cause, seq: ++core.armedEver };
  core.timers.set(key, entry);
  siftUp(core.heap, entry);
  if (core.heap.length <= 2 * core.timers.size + deadEntriesMax) return;
  core.heap = [];
  for (const live of core.timers.values()) siftUp(core.heap, live);
}

export function disarm(core: State, ...timers: readonly Timer[]): void {
  for (const timer of timers) core.timers.delete(keyOf(timer));
}

/** The earliest timer that is armed. */
export function earliest(core: State): Armed | undefined {
  for (;;) {
    const top = core.heap[0];
    if (!top || core.timers.get(keyOf(top.timer)) === top) return top;
    pop(core.heap);
  }
}

/** Takes the earliest timer out if it is due. */
export function takeDue(core: State): Armed | undefined {
  const top = earliest(core);
  if (!top || top.at > core.now) return undefined;
  pop(core.heap);
  core.timers.delete(keyOf(top.timer));
  return top;
}

/** A number in [0, 1), the same for the same seed and the same inputs (mulberry32). */
export function random(core: State): number {
  core.random = (core.random + 0x6d2b79f5) | 0;
  let mixed = Math.imul(core.random ^ (core.random >>> 15), 1 | core.random);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

/** The first multiple of `period` after `now`, counted from `base`. */
export function nextTick(base: Ms, period: Ms, now: Ms): Ms {
  return base + Math.max(1, Math.floor((now - base) / period) + 1) * period;
}
