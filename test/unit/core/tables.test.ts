/** The pure leaves of the core, each as a table. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { share } from "../../../src/core/budget.ts";
import { listenersOf, matches, note, satisfied } from "../../../src/core/conditions.ts";
import { codeOf, leavesOf, newJobState, newState } from "../../../src/core/fresh.ts";
import { signalName } from "../../../src/core/signals.ts";
import { backoffOf } from "../../../src/core/start.ts";
import { arm, disarm, earliest, nextTick, random, takeDue } from "../../../src/core/timers.ts";
import type { Job, Leaf } from "../../../src/plan.ts";
import { cond, planOf } from "./plans.ts";

const never = Number.POSITIVE_INFINITY;

describe("conditions", () => {
  const a = "exitSuccess a";
  const b = "exitSuccess b";
  const c = "exitSuccess c";

  it.each([
    [a, [], false],
    [a, [0], true],
    [{ all: [a, b] }, [0], false],
    [{ all: [a, b] }, [1], false],
    [{ all: [a, b] }, [0, 1], true],
    [{ any: [a, b] }, [], false],
    [{ any: [a, b] }, [1], true],
    [{ atLeast: 2, of: [a, b, c] }, [2], false],
    [{ atLeast: 2, of: [a, b, c] }, [0, 2], true],
    [{ atLeast: 0, of: [a] }, [], true],
    [{ all: [a, { any: [b, c] }] }, [0], false],
    [{ all: [a, { any: [b, c] }] }, [1, 2], false],
    [{ all: [a, { any: [b, c] }] }, [0, 2], true],
    [{ any: [{ all: [a, b] }, c] }, [0], false],
    [{ any: [{ all: [a, b] }, c] }, [2], true],
  ])("%j with leaves %j: %s", (short, held, expected) => {
    expect(satisfied(cond(short), (_, number) => held.includes(number))).toBe(expected);
  });

  it("number their leaves depth first", () => {
    const on = cond({ all: [a, { any: [b, { all: [c, a] }] }, b] });
    expect(leavesOf(on).map(({ source }) => source)).toEqual(["a", "b", "c", "a", "b"]);
    const seen: string[] = [];
    satisfied(on, (leaf, number) => seen.push(`${number}${leaf.source}`) < 0);
    expect(seen).toEqual(["0a", "1b", "2c", "3a", "4b"]);
  });

  it.each<[Partial<Leaf>, object, boolean]>([
    [{}, {}, true],
    [{ source: "b" }, {}, false],
    [{ fact: "stopped" }, {}, false],
    [{ only: "asked" }, {}, false],
    [{ only: "asked" }, { asked: true }, true],
    [{ only: "asked" }, { ran: true }, false],
    [{ only: "ran" }, { ran: true }, true],
    [{ only: "ran" }, { asked: true }, false],
    [{}, { asked: true, ran: true }, true],
  ])("a leaf %j and a fact %j: %s", (leaf, fact, expected) => {
    const given: Leaf = { fact: "stopping", source: "a", ...leaf };
    expect(matches(given, { fact: "stopping", source: "a", ...fact })).toBe(expected);
  });

  it("are latched until they are satisfied, and wait anew then", () => {
    const [job] = planOf({ jobs: [{ id: "x", on: { all: [a, b] } }] }).jobs;
    const own = newJobState(job as Job, 0, 1);
    expect([note(own, 1, 5), own.seen]).toEqual([false, [undefined, 5]]);
    expect([note(own, 1, 6), own.seen]).toEqual([false, [undefined, 6]]);
    expect([note(own, 0, 7), own.seen]).toEqual([true, [undefined, undefined]]);
  });

  it("are indexed by fact and source, in the Plan's order", () => {
    const plan = planOf({
      jobs: [
        { id: "x", on: a, hold: "healthy a" },
        { id: "y", on: { any: [b, a] } },
      ],
      watches: [{ id: "watch.w", from: a }],
    });
    expect(listenersOf(plan)).toEqual(
      new Map<string, unknown>([
        [a, [{ watch: "watch.w" }, { job: "x", leaf: 0 }, { job: "y", leaf: 1 }]],
        ["healthy a", [{ hold: "x" }]],
        [b, [{ job: "y", leaf: 0 }]],
      ]),
    );
  });
});

describe("the back-off", () => {
  const usual = { first: 0, min: 500, factor: 2, max: 30_000, resetAfter: 10_000 };

  it.each([
    [usual, [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]],
    [{ ...usual, first: 250 }, [250, 500, 1000]],
    [{ ...usual, factor: 1 }, [0, 500, 500, 500]],
    [{ ...usual, max: 700 }, [0, 500, 700, 700]],
    [{ first: 0, min: 0, factor: 1, max: 0, resetAfter: 0 }, [0, 0, 0, 0]],
  ])("%j: %j", (backoff, expected) => {
    expect(expected.map((_, streak) => backoffOf(backoff, streak))).toEqual(expected);
  });

  it("is bounded however long the streak", () => {
    expect(backoffOf(usual, 100_000)).toBe(30_000);
  });
});

describe("shares of stop.within", () => {
  it.each([
    // own bound, left, owed to later stages → share
    [never, 10_000, 3000, 7000],
    [2000, 10_000, 3000, 2000],
    [never, 10_000, 0, 10_000],
    [never, 10_000, 9000, 2500],
    [never, 10_000, 50_000, 2500],
    [1000, 10_000, 50_000, 1000],
    [never, 0, 0, 0],
    [never, -5, 1000, 0],
    [5000, never, 1000, 5000],
    [never, never, 1000, never],
  ])("own %d, left %d, owed %d: %d", (own, left, owed, expected) => {
    expect(share(own, left, owed)).toBe(expected);
  });
});

describe("timers", () => {
  const timer = (of: number) => ({ t: "grace" as const, of });

  it("come out by time, then by cause, as a plain list sorted so would", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(20), fc.nat(30), fc.nat(5), fc.boolean()), { maxLength: 300 }),
        (operations) => {
          const core = newState();
          const list = new Map<number, { at: number; cause: number; seq: number }>();
          for (const [seq, [of, at, cause, keep]] of operations.entries()) {
            if (keep) {
              arm(core, timer(of), at, cause);
              list.set(of, { at, cause, seq });
            } else {
              disarm(core, timer(of));
              list.delete(of);
            }
            const first = Math.min(...[...list.values()].map((each) => each.at));
            expect(earliest(core)?.at ?? never).toBe(first);
          }
          core.now = 15;
          const expected = [...list]
            .filter(([, each]) => each.at <= 15)
            .sort(([, x], [, y]) => x.at - y.at || x.cause - y.cause || x.seq - y.seq)
            .map(([of]) => of);
          const taken: unknown[] = [];
          for (let due = takeDue(core); due; due = takeDue(core)) taken.push("of" in due.timer && due.timer.of);
          expect(taken).toEqual(expected);
          expect(core.timers.size).toBe(list.size - expected.length);
        },
      ),
    );
  });

  it("keep no more dead entries than a small multiple of the live ones", () => {
    const core = newState();
    for (let at = 0; at < 10_000; at++) arm(core, timer(at % 3), at, 1);
    expect(core.heap.length).toBeLessThan(100);
    expect(earliest(core)?.at).toBe(9997);
  });

  it("are disarmed by a deadline that never comes", () => {
    const core = newState();
    arm(core, timer(1), 5, 1);
    arm(core, timer(1), never, 1);
    expect(earliest(core)).toBeUndefined();
  });

  it.each([
    [0, 1000, 0, 1000],
    [0, 1000, 999, 1000],
    [0, 1000, 1000, 2000],
    [0, 1000, 3500, 4000],
    [500, 1000, 500, 1500],
    [500, 1000, 0, 1500],
  ])("keep the phase: base %d, period %d, now %d: %d", (base, period, now, expected) => {
    expect(nextTick(base, period, now)).toBe(expected);
  });
});

describe("random numbers", () => {
  it("are the same for the same seed, within [0, 1), and spread", () => {
    const draw = (seed: number): number[] => {
      const core = newState();
      core.random = seed;
      return Array.from({ length: 1000 }, () => random(core));
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    const all = draw(7);
    expect(all.every((each) => each >= 0 && each < 1)).toBe(true);
    const tenths = Array.from(
      { length: 10 },
      (_, tenth) => all.filter((each) => Math.floor(each * 10) === tenth).length,
    );
    expect(Math.min(...tenths)).toBeGreaterThan(50);
  });
});

describe("codes and names", () => {
  it.each([
    [{ code: 0 }, 0],
    [{ code: 255 }, 255],
    [{ signal: 15, core: false }, 143],
    [{ signal: 9, core: true }, 137],
  ])("%j is %d", (how, code) => expect(codeOf(how)).toBe(code));

  it.each([
    [1, "SIGHUP"],
    [15, "SIGTERM"],
    [31, "SIGSYS"],
    [34, "SIGRTMIN"],
    [37, "SIGRTMIN+3"],
  ])("%d is %s", (signo, name) => expect(signalName(signo)).toBe(name));
});
