import { describe, expect, it } from "vitest";
import { type Container, describeContainers, fixture } from "../e2e/harness.ts";
import { drive, type Start, saidOf, starts } from "./image.ts";

const ours = 0xfffffffe3bfbfa07n;

function unmasked(masks: Record<string, string>): string[] {
  return Object.entries(masks).flatMap(([thread, mask]) =>
    (BigInt(`0x${mask}`) & ours) === ours ? [] : [`${thread}: ${mask}`],
  );
}

/** So many of each signal, by number. */
const flood: readonly (readonly [number, number])[] = [
  [37, 2000],
  [60, 100],
  [15, 500],
  [1, 50],
  [10, 50],
  [28, 50],
  [13, 10],
  [25, 10],
];

/** Real-time signals exactly, standard ones (which the kernel merges while they are pending) at least once. */
async function checkFlood(box: Container): Promise<void> {
  for (const [signo, count] of flood) for (let i = 0; i < count; i++) box.signal(signo);
  // Pending signals are taken lowest number first, so this is the last of all.
  box.signal(64);
  await box.waitFor(/^got 64 from/m, "stdout");
  const counts = new Map<number, number>();
  for (const [, signo] of box.stdout.matchAll(/^got (\d+) from/gm)) {
    counts.set(Number(signo), (counts.get(Number(signo)) ?? 0) + 1);
  }
  for (const [signo, sent] of flood) {
    const got = counts.get(signo) ?? 0;
    if (signo >= 34) expect([signo, got]).toEqual([signo, sent]);
    else expect(got, `signal ${signo}`).toBeGreaterThanOrEqual(1);
  }
}

const program = [fixture("logs-signals")];

describeContainers("signals", () => {
  it.each(starts)("%s: our mask is on all threads, those of a Worker and of the pool too", async (start) => {
    const box = await drive(start, ["masks"]);
    expect(await box.exit).toEqual({ code: 0 });
    const threads = saidOf(box, "threads");
    expect(threads.map(({ when }) => when)).toEqual(["loaded", "worker", "pool"]);
    for (const { when, masks } of threads) expect([when, unmasked(masks)]).toEqual([when, []]);
    expect(saidOf(box, "boot")).toMatchObject([{ preloaded: start === "launcher", signals: "blocked", pid1: true }]);
  });

  it.each(starts)("%s: a flood reaches the application while JavaScript hangs", async (start) => {
    const box = await drive(start, ["hang", ...program], { timeoutMs: 60_000 });
    await box.waitFor(/^ready$/m, "stdout");
    await checkFlood(box);
  });

  describe.each<[Start, string]>([
    ["launcher", "blocked"],
    ["node", "handlers"],
  ])("%s without /proc", (start, mode) => {
    it(`takes signals as '${mode}', and none is lost`, async () => {
      const box = await drive(start, ["hang", ...program], { noProc: true, timeoutMs: 60_000 });
      await box.waitFor(/^ready$/m, "stdout");
      expect(saidOf(box, "boot")).toMatchObject([{ signals: mode }]);
      await checkFlood(box);
    });
  });

  it.each(starts)(
    "%s: with 22 descriptors it starts, takes signals, and runs a program",
    async (start) => {
      const box = await drive(start, ["hang", ...program], { nofile: "22:22", timeoutMs: 60_000 });
      await box.waitFor(/^ready$/m, "stdout");
      await checkFlood(box);
    },
    60_000,
  );
});
