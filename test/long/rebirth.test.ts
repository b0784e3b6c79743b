/**
 * Every way to die, on every supported Node, as PID 1 and below another one, with signals around it: `REBIRTH_REPEATS` in the
 * environment sets how often each, `REBIRTH_KINDS` (names with commas between) leaves others out.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Container, describeContainers, entrypoint, writeFiles } from "../e2e/harness.ts";
import { causes, deaths, letDie, mortal, shim } from "../e2e/rebirth/stage.ts";
import { app, bare, sh, soon, times } from "../e2e/v2/stage.ts";
import { nodeOf, otherMajors } from "./node.ts";

const repeats = Number(process.env.REBIRTH_REPEATS ?? 100);
const wanted = process.env.REBIRTH_KINDS?.split(",");
const TEST_MS = 3_600_000;
/** Signals come from some time before a death to some time after it, and each round at another moment. */
const AROUND_MS = 150;

const faults = ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"] as const;
const hooks = { preStop: "echo hook before", postStop: "echo hook after" };

interface Surroundings {
  node?: string;
  below?: boolean;
}

function start({ node, below }: Surroundings, config: object, words: readonly string[], env = {}): Promise<Container> {
  const shell = sh('"$@" & trap "kill -TERM $!" TERM; wait $!; wait $!; exit $?');
  return mortal({
    config: { ...bare, ...config },
    words,
    // The watchdog of a busy machine must not see a hang that is none.
    env: { ...(node !== undefined && { CONTAINERPILOT_NODE: node }), CONTAINERPILOT_WATCHDOG: "10", ...env },
    ...(below && { entrypoint: [...shell, "sh", entrypoint] }),
  });
}

/** One death with TERM at some moment around it. */
async function dies(way: string, round: number, around: Surroundings): Promise<void> {
  const box = await start(around, hooks, app);
  await box.waitFor(/ready/);
  if (round % 2 === 0) box.signal("SIGTERM");
  letDie(box, way);
  if (round % 2 === 1) {
    await sleep((round * 7) % AROUND_MS);
    box.signal("SIGTERM");
  }
  expect(await box.exit).toEqual({ code: 3 });
  const said = [/ready/g, /hook before/g, /got TERM/g, /hook after/g].map((each) => times(box, each));
  expect(said).toEqual([1, 1, 1, 1]);
}

const kinds = causes.map(([way]) => way).filter((way) => wanted === undefined || wanted.includes(way));
const machines: readonly [string, string | undefined][] = [
  ["the machine's own", undefined],
  ...otherMajors.map((major): [string, string] => [major, major]),
];

describeContainers("the runtime dies, again and again", () => {
  describe.each(machines)("on Node %s", (_, major) => {
    const node = () => (major === undefined ? {} : { node: nodeOf(major) });

    it.each(kinds)(
      `of %s, ${repeats} times, with TERM before or after it`,
      async (way) => {
        for (let round = 0; round < repeats; round++) await dies(way, round, { ...node(), below: round % 4 === 3 });
      },
      TEST_MS,
    );

    it.each(faults)(
      `of %s from outside, ${repeats} times, with HUP, USR1 and TERM around it`,
      async (fault) => {
        for (let round = 0; round < repeats; round++) {
          const box = await start(node(), hooks, app);
          await box.waitFor(/ready/);
          const order =
            [
              ["SIGHUP", "SIGUSR1", fault],
              ["SIGHUP", fault, "SIGUSR1"],
              [fault, "SIGUSR1", "SIGHUP"],
            ][round % 3] ?? [];
          for (const signal of order) {
            box.signal(signal);
            await sleep(round % 10);
          }
          await sleep((round * 7) % AROUND_MS);
          box.signal("SIGTERM");
          expect(await box.exit).toEqual({ code: 3 });
          expect([/hook before/g, /got TERM/g, /hook after/g].map((each) => times(box, each))).toEqual([1, 1, 1]);
        }
      },
      TEST_MS,
    );

    it(
      `while the application ends, ${repeats} times: its code is the container's`,
      async () => {
        for (let round = 0; round < repeats; round++) {
          const code = (round * 37) % 256;
          const waits = sh(`echo ready; until [ -e end ]; do sleep 0.01; done; exit ${code}`);
          const box = await start(node(), { postStop: "echo hook after" }, waits);
          await box.waitFor(/ready/);
          letDie(box, round % 2 === 0 ? "abort" : "null");
          await sleep((round * 7) % AROUND_MS);
          writeFiles(box.folder, { end: "" });
          expect(await box.exit).toEqual({ code });
          expect(times(box, /hook after/g)).toBe(1);
        }
      },
      TEST_MS,
    );

    it(
      `and cannot be replaced, ${repeats} times: the native half goes on`,
      async () => {
        // More than can be kept for a new runtime.
        const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`FILL_${index}`, "x".repeat(1024)]));
        for (let round = 0; round < repeats; round++) {
          const box = await start(node(), {}, app, many);
          await box.waitFor(/ready/);
          letDie(box, ["abort", "null", "throw", "heap", "null-in-thread"][round % 5] ?? "abort");
          await sleep((round * 7) % AROUND_MS);
          box.signal("SIGTERM");
          expect(await box.exit).toEqual({ code: 3 });
          expect(times(box, /got TERM/g)).toBe(1);
        }
      },
      TEST_MS,
    );

    it.each(["before-clone", "after-clone", "while-spawning", "kill", "in-handler"])(
      `inside of the native half, ${repeats} times: %s`,
      async (place) => {
        for (let round = 0; round < repeats; round++) {
          const box = await start(node(), hooks, app, { LD_PRELOAD: shim });
          await box.waitFor(/ready/);
          letDie(box, place);
          await sleep(50 + (round % 10));
          box.signal("SIGTERM");
          expect(await box.exit).toEqual({ code: 3 });
          expect([/hook before/g, /got TERM/g, /hook after/g].map((each) => times(box, each))).toEqual([1, 1, 1]);
        }
      },
      TEST_MS,
    );
  });
});

describeContainers("the runtime dies while much is said and much ends", () => {
  it(
    `${repeats} times: no line is lost, and none is said twice`,
    async () => {
      for (let round = 0; round < repeats; round++) await floods(round);
    },
    TEST_MS,
  );
});

const numbers = (box: Container, what: string): number[] =>
  [...box.stdout.matchAll(new RegExp(`\\b${what} (\\d+)=`, "g"))].map(([, number]) => Number(number));
const counted = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Three deaths among jobs that come and go, each with a line on both streams, beside one that never stops talking. */
async function floods(round: number): Promise<void> {
  const tick = "n=$(cat n 2>/dev/null || echo 0); echo tick $n=; echo tock $n= >&2; echo $((n+1)) > n.new; mv n.new n";
  const flood = "n=0; while :; do echo flood $n=; n=$((n+1)); [ $((n%40)) = 0 ] && sleep 0.02; done";
  const last = { when: { source: "app", once: "stopping" }, timeout: "60s" };
  const box = await mortal({
    env: { CONTAINERPILOT_WATCHDOG: "20" },
    config: JSON.stringify({
      consul: "127.0.0.1:1",
      jobs: [
        { name: "app", exec: sh("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done") },
        { name: "tick", exec: sh(tick), when: { interval: "60ms" }, timeout: "60s" },
        { name: "flood", exec: sh(flood) },
        { name: "last", exec: sh("printf 'last one\\nlast two'"), ...last },
      ],
    }),
  });
  await box.waitFor(/tick 2=/);
  for (const way of ["null", "abort", "null-in-thread"]) {
    await sleep((round * 13) % 70);
    const before = deaths(box).length;
    letDie(box, way);
    await soon(() => expect(deaths(box).length).toBe(before + 1), 60_000);
  }
  await sleep((round * 37) % 300);
  box.signal("SIGTERM");
  await box.exit;
  for (const what of ["tick", "tock", "flood"]) expect(numbers(box, what)).toEqual(counted(numbers(box, what).length));
  expect([/last one/g, /last two/g, /bye/g].map((each) => times(box, each))).toEqual([1, 1, 1]);
}
