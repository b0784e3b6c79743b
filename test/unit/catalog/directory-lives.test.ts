import { beforeEach, describe, expect, test } from "vitest";
import type { Entry, Look } from "../../../src/catalog/directory-entry.ts";
import { Lives } from "../../../src/catalog/directory-lives.ts";

const ttlMs = 10_000;
const sweepAfterMs = 60_000;
const watched = new Set(["web"]);

/** A file whose modification time is this wall-clock moment. */
function file(mtimeMs: number, more: Partial<Entry> = {}): Look {
  const entry: Entry = {
    id: "web-1",
    name: "web",
    address: "10.0.0.1",
    port: 80,
    tags: ["x"],
    ttlMs,
    status: "passing",
    owner: "me",
    ...more,
  };
  return { entry, text: "", mtimeMs };
}

/** Wall clock and monotonic clock, each moved by itself. */
let wall: number;
let now: number;
let lives: Lives;
beforeEach(() => {
  wall = 1_700_000_000_000;
  now = 5_000;
  lives = new Lives(sweepAfterMs);
});

function pass(ms: number): void {
  wall += ms;
  now += ms;
}

const set = (look: Look | undefined): void => lives.set("web-1.json", look, now, wall);
const alive = (): boolean => lives.instances("web", undefined, now).length === 1;

test("an entry lives until its TTL after its time, to the millisecond", () => {
  set(file(wall - 4_000));
  pass(5_999);
  expect(alive()).toBe(true);
  pass(1);
  expect(alive()).toBe(false);
});

test("a time that moved renews it; one that did not, does not", () => {
  const first = wall;
  set(file(first));
  pass(9_000);
  set(file(first));
  pass(1_000);
  expect(alive()).toBe(false);
  set(file(wall - 1_000));
  pass(8_999);
  expect(alive()).toBe(true);
  pass(1);
  expect(alive()).toBe(false);
});

describe("when the clock is set", () => {
  test("forward by an hour: a renewed entry lives on, one that is not renewed ends as it would have", () => {
    set(file(wall));
    pass(5_000);
    const renewedAt = wall;
    wall += 3_600_000;
    pass(4_000);
    expect(alive()).toBe(true);
    set(file(renewedAt));
    expect(alive()).toBe(true);
    pass(9_999);
    set(file(renewedAt));
    expect(alive()).toBe(true);
    pass(1);
    expect(alive()).toBe(false);
  });

  test("back by an hour: the same", () => {
    set(file(wall));
    pass(5_000);
    wall -= 3_600_000;
    pass(2_000);
    set(file(wall - 1_000));
    pass(8_999);
    expect(alive()).toBe(true);
    pass(1);
    expect(alive()).toBe(false);
  });

  test("an entry from the future lives one TTL, not until then", () => {
    set(file(wall + 3_600_000));
    pass(9_999);
    expect(alive()).toBe(true);
    pass(1);
    expect(alive()).toBe(false);
  });

  test("a time that moved by what a file system's clock lags is no clock that was set", () => {
    set(file(wall));
    pass(1);
    set(file(wall + 4));
    pass(9_999);
    expect(alive()).toBe(true);
    pass(5);
    expect(alive()).toBe(false);
  });
});

test("only what passes and has the tag is listed", () => {
  lives.set("a.json", file(wall, { id: "a", status: "warning" }), now, wall);
  lives.set("b.json", file(wall, { id: "b", tags: ["y"] }), now, wall);
  lives.set("c.json", file(wall, { id: "c", name: "db" }), now, wall);
  lives.set("d.json", { problem: "not JSON" }, now, wall);
  lives.set("e.json", file(wall, { id: "e" }), now, wall);
  expect(lives.instances("web", "x", now).map(({ id }) => id)).toEqual(["e"]);
  expect(lives.instances("web", undefined, now).map(({ id }) => id)).toEqual(["b", "e"]);
});

test("what is not there any more, or is no entry any more, is gone", () => {
  set(file(wall));
  set(undefined);
  expect(alive()).toBe(false);
  set(file(wall));
  set({ problem: "not JSON" });
  expect(alive()).toBe(false);
  set(file(wall));
  lives.setAll(new Map(), now, wall);
  expect(alive()).toBe(false);
});

describe("looking again", () => {
  test("at the end of a watched entry, once; then when it is to be removed, once", () => {
    set(file(wall));
    expect(lives.looks(watched, now)).toEqual({ due: [], next: now + ttlMs });
    pass(ttlMs);
    expect(lives.looks(watched, now).due).toEqual(["web-1.json"]);
    set(file(wall - ttlMs));
    expect(lives.looks(watched, now)).toEqual({ due: [], next: now + sweepAfterMs });
    expect(lives.over(now)).toEqual([]);
    pass(sweepAfterMs);
    expect(lives.looks(watched, now).due).toEqual(["web-1.json"]);
    expect(lives.over(now)).toEqual([]);
    set(file(wall - ttlMs - sweepAfterMs));
    expect(lives.over(now)).toEqual(["web-1.json"]);
    expect(lives.looks(watched, now)).toEqual({ due: [], next: Number.POSITIVE_INFINITY });
  });

  test("an entry that nobody watches is only looked at before it is removed, and kept when it was renewed", () => {
    set(file(wall));
    const { next } = lives.looks(new Set(), now);
    expect(next).toBe(now + ttlMs + sweepAfterMs);
    pass(ttlMs + sweepAfterMs);
    expect(lives.looks(new Set(), now).due).toEqual(["web-1.json"]);
    set(file(wall - 1_000));
    expect(lives.over(now)).toEqual([]);
    expect(alive()).toBe(true);
  });
});
