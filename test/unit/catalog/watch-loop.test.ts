import { beforeEach, describe, expect, test } from "vitest";
import { CatalogError, type Instance } from "../../../src/catalog/catalog.ts";
import { Reach } from "../../../src/catalog/reach.ts";
import { type Page, WatchLoop } from "../../../src/catalog/watch-loop.ts";
import { FakeClock, settle } from "./fakes.ts";

const one: Instance = { id: "db-1", name: "db", address: "10.0.0.1", port: 5432, tags: [] };
const down = new CatalogError("down", "connect ECONNREFUSED");
const refused = new CatalogError("refused", "403");

interface Query {
  index: number;
  at: number;
  answer(instances: Instance[], index: number): Promise<void>;
  fail(error: CatalogError): Promise<void>;
}

/** An agent that the test answers for, and loops that ask it. */
class Bench {
  readonly clock = new FakeClock();
  readonly loops: WatchLoop[] = [];
  readonly reach = new Reach(this.clock, () => {
    for (const loop of this.loops) loop.askAgain();
  });
  readonly queries: Query[] = [];
  readonly seen: string[] = [];
  failed = 0;

  open(): WatchLoop {
    const source = {
      clock: this.clock,
      reach: this.reach,
      query: (_: unknown, index: number, signal: AbortSignal) => this.#ask(index, signal),
    };
    const loop = new WatchLoop(
      source,
      { name: "db", poll: 5_000 },
      (list) => void this.seen.push(list.map(({ id }) => id).join(",")),
      () => {
        this.failed += 1;
      },
    );
    this.loops.push(loop);
    return loop;
  }

  /** The newest query; the ones before it are over. */
  get query(): Query {
    const query = this.queries.at(-1);
    if (query === undefined) throw new Error("nothing was asked");
    return query;
  }

  #ask(index: number, signal: AbortSignal): Promise<Page> {
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(down));
      this.queries.push({
        index,
        at: this.clock.time,
        async answer(instances, next) {
          resolve({ instances, index: next });
          await settle();
        },
        async fail(error) {
          reject(error);
          await settle();
        },
      });
    });
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

test("asks at once, then blocks on the index, and gives only what changed", async () => {
  bench.open();
  expect(bench.query.index).toBe(0);
  await bench.query.answer([], 7);
  expect(bench.query.index).toBe(7);
  await bench.clock.move(30_000);
  await bench.query.answer([], 7);
  await bench.clock.move(1_000);
  await bench.query.answer([one], 9);
  expect(bench.query.index).toBe(9);
  await bench.clock.move(5_000);
  await bench.query.answer([one], 12);
  expect(bench.seen).toEqual(["", "db-1"]);
});

test("an agent that answers at once with an index that jumps about is asked at most twenty times a second", async () => {
  bench.open();
  const until = bench.clock.time + 10_000;
  let answered = 0;
  while (bench.clock.time < until) {
    if (bench.queries.length > answered) {
      answered += 1;
      await bench.query.answer([], answered % 2 === 0 ? 5 : 4 + answered);
    } else await bench.clock.move(1);
  }
  expect(answered).toBeGreaterThan(50);
  expect(answered).toBeLessThanOrEqual(2 * 101);
});

test("the same index again and again: a query each 100 ms", async () => {
  bench.open();
  await bench.query.answer([], 5);
  for (let n = 0; n < 5; n += 1) {
    await bench.query.answer([], 5);
    await bench.clock.move(100);
  }
  const gaps = bench.queries.slice(2).map(({ at }, n) => at - (bench.queries[n + 1]?.at ?? 0));
  expect(gaps).toEqual([100, 100, 100, 100, 100]);
});

test("an index that went backwards begins at zero", async () => {
  bench.open();
  await bench.query.answer([one], 900);
  await bench.clock.move(1_000);
  await bench.query.answer([], 3);
  expect(bench.query.index).toBe(0);
  await bench.query.answer([], 3);
  expect(bench.query.index).toBe(3);
  expect(bench.seen).toEqual(["db-1", ""]);
});

test("without an index it asks once a poll", async () => {
  bench.open();
  await bench.query.answer([], 0);
  await bench.clock.move(4_999);
  expect(bench.queries).toHaveLength(1);
  await bench.clock.move(1);
  expect(bench.queries.map(({ index }) => index)).toEqual([0, 0]);
});

describe("failures", () => {
  test("the first is tried again at once and not told", async () => {
    bench.open();
    await bench.query.answer([one], 5);
    await bench.clock.move(10_000);
    await bench.query.fail(down);
    await bench.clock.move(50);
    expect(bench.query.index).toBe(0);
    await bench.query.answer([one], 5);
    expect(bench.failed).toBe(0);
    expect(bench.seen).toEqual(["db-1"]);
  });

  test("a list is given again after an outage that was told, changed or not", async () => {
    bench.open();
    await bench.query.answer([one], 5);
    for (let n = 0; n < 3; n += 1) {
      await bench.query.fail(down);
      await bench.clock.move(2_000);
    }
    expect(bench.failed).toBe(2);
    await bench.query.answer([one], 5);
    expect(bench.seen).toEqual(["db-1", "db-1"]);
  });

  test("while the agent is away all loops together try about once a second, and go on at once when one is answered", async () => {
    for (let n = 0; n < 10; n += 1) bench.open();
    const until = bench.clock.time + 60_000;
    let answered = 0;
    while (bench.clock.time < until) {
      const open = bench.queries.slice(answered);
      answered = bench.queries.length;
      for (const query of open) await query.fail(down);
      await bench.clock.move(10);
    }
    // Ten at the start, ten at once again, then 100 ms, 200 ms, … 1.5 s, each a quarter shorter.
    expect(bench.queries.length).toBeGreaterThan(20 + 40);
    expect(bench.queries.length).toBeLessThan(20 + 70);
    while (bench.queries.length === answered) await bench.clock.move(10);
    const before = bench.queries.length;
    await bench.query.answer([one], 5);
    await bench.clock.move(100);
    expect(bench.queries.length - before).toBe(10);
    expect(bench.seen).toEqual(["db-1"]);
  });

  test("a refusal waits by itself, at most 30 s, and does not hold the others back", async () => {
    bench.open();
    const gaps: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      await bench.query.fail(refused);
      const [count, from] = [bench.queries.length, bench.clock.time];
      while (bench.queries.length === count) await bench.clock.move(1);
      gaps.push(bench.clock.time - from);
    }
    expect(gaps[0]).toBeLessThanOrEqual(50);
    expect(gaps.slice(1)).toEqual([375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 22_500]);
    expect(bench.failed).toBe(9);
  });

  test("a query that began before an outage of other calls is asked again when that is over", async () => {
    bench.open();
    await bench.query.answer([one], 5);
    await bench.clock.move(1_000);
    bench.reach.failed();
    bench.reach.worked();
    await settle();
    expect(bench.query.index).toBe(0);
    expect(bench.failed).toBe(0);
  });
});

test("a closed loop leaves nothing behind, whatever it was doing", async () => {
  const doing: ((bench: Bench) => Promise<void>)[] = [
    async () => {},
    async ({ query }) => query.answer([], 0),
    async ({ query }) => query.fail(down),
    async (busy) => {
      await busy.query.fail(down);
      await busy.clock.move(100);
      await busy.query.fail(down);
    },
    async (busy) => {
      await busy.query.fail(refused);
      await busy.clock.move(100);
      await busy.query.fail(refused);
    },
  ];
  for (const doIt of doing) {
    const busy = new Bench();
    const loop = busy.open();
    await doIt(busy);
    const told = [busy.seen.length, busy.failed];
    loop.close();
    busy.reach.close();
    await settle();
    const asked = busy.queries.length;
    await busy.clock.move(100_000);
    expect([busy.queries.length, busy.clock.timers]).toEqual([asked, 0]);
    expect([busy.seen.length, busy.failed]).toEqual(told);
  }
});
