/**
 * What grows, grows in time: events at some twenty times the usual rate, for `SOAK_SECONDS` (half an hour unless given), a
 * minute of it with every change. Says what it has seen, and writes it to the file of `SOAK_REPORT`.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { type Container, describeContainers, fixture, run } from "../e2e/harness.ts";

const seconds = Number(process.env.SOAK_SECONDS ?? 1800);
const report = process.env.SOAK_REPORT;
const warmUpMs = 5000;
/** V8's heap breathes, and fills up to its limits in the first minutes; a record an event would be far more. */
const rssGrowthKiB = 16 * 1024;
/** A usual container has one check a second and now and then a task. */
const usualEndsPerSecond = 1.5;
const port = 19_395;
/** What is under way in all of the last samples may differ from the first, above all when these are few. */
const slack = seconds >= 600 ? { threads: 1, descriptors: 4 } : { threads: 4, descriptors: 24 };

const service = (number: number) => ({
  name: `web${number}`,
  ...{ port: 8000 + number, health: "true", poll: 1, ttl: 5, interfaces: "static:10.1.2.3" },
});
const task = (number: number) => ({ name: `task${number}`, command: ["sh", "-c", "echo done"], frequency: "200ms" });
const sensor = { namespace: "soak", name: "load", help: "load", type: "gauge", poll: 1, check: ["echo", "0.75"] };
const config = {
  directory: "catalog",
  services: [1, 2, 3, 4].map(service),
  tasks: [1, 2, 3, 4].map(task),
  coprocesses: [{ name: "agent", command: ["sleep", "0.5"], restarts: "unlimited" }],
  backends: [1, 2].map((number) => ({ name: `web${number}`, poll: 1, onChange: ["echo", "changed"] })),
  telemetry: { port, interfaces: ["static:127.0.0.1"], sensors: [sensor] },
};
const words = [
  "sh",
  "-c",
  `trap 'exit 3' TERM; echo up; while :; do ${fixture("forks-orphan")} 5 0 & sleep 0.5; kill $!; done`,
];

interface Sample {
  rssKiB: number;
  threads: number;
  descriptors: number;
  zombies: number;
}

async function sample(box: Container): Promise<Sample> {
  const status = readFileSync(`/proc/${box.pid}/status`, "utf8");
  const number = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    rssKiB: number("VmRSS"),
    threads: number("Threads"),
    descriptors: readdirSync(`/proc/${box.pid}/fd`).length,
    zombies: (await box.zombies()).length,
  };
}

/** Ends of children and of orphans so far, as the init itself counts them. */
async function counts(box: Container): Promise<{ ends: number; orphans: number }> {
  const { stdout } = await box.inside("curl", "-sS", "--max-time", "20", `http://127.0.0.1:${port}/metrics`);
  const sum = (name: string) =>
    [...stdout.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, "gm"))].reduce(
      (all, [, count]) => all + Number(count),
      0,
    );
  return { ends: sum("containerpilot_job_ends_total"), orphans: sum("reaped_orphans_total") };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const of = (samples: readonly Sample[], key: keyof Sample): number[] => samples.map((one) => one[key]);

/** First and last of it by the tenth of the samples: what is under way at one moment does not count, what stays does. */
function summary(samples: readonly Sample[]) {
  const tenth = Math.max(1, Math.ceil(samples.length / 10));
  const [first, last] = [samples.slice(0, tenth), samples.slice(-tenth)];
  const tenths = Array.from({ length: 10 }, (_, i) => samples.slice(i * tenth, (i + 1) * tenth)).filter(
    ({ length }) => length > 0,
  );
  const least = (key: keyof Sample) => [first, last].map((part) => Math.min(...of(part, key)));
  return {
    rssKiB: {
      first: median(of(first, "rssKiB")),
      last: median(of(last, "rssKiB")),
      peak: Math.max(...of(samples, "rssKiB")),
      tenths: tenths.map((part) => median(of(part, "rssKiB"))),
    },
    threads: least("threads"),
    descriptors: least("descriptors"),
    zombiesPeak: Math.max(...of(samples, "zombies")),
  };
}

/** One second of the soak, with what comes now and then. */
async function disturb(box: Container, second: number): Promise<void> {
  box.signal("SIGWINCH");
  if (second % 10 === 9) box.signal("SIGHUP");
  // Into maintenance and out of it again.
  if (second % 30 === 11 || second % 30 === 14) box.signal("SIGUSR1");
  await sleep(1000);
}

describeContainers("a soak", () => {
  it(
    `of ${seconds} s leaves memory, descriptors, threads and zombies as they were`,
    async () => {
      const box = await run({ config, words, net: "own", timeoutMs: (2 * seconds + 120) * 1000 });
      await box.waitFor(/up/);
      await sleep(warmUpMs);
      const began = performance.now();
      const before = await counts(box);
      const samples: Sample[] = [];
      for (let second = 0; second < seconds; second++) {
        if (second % 5 === 0) samples.push(await sample(box));
        await disturb(box, second);
        expect(box.ended).toBeUndefined();
      }
      const after = await counts(box);
      const took = (performance.now() - began) / 1000;
      await expect.poll(async () => (await box.zombies()).length, { timeout: 20_000 }).toBe(0);
      const ends = after.ends + after.orphans - before.ends - before.orphans;
      const seen = {
        date: new Date().toISOString().slice(0, 10),
        node: process.version,
        cores: availableParallelism(),
        seconds: Math.round(took),
        ends,
        orphans: after.orphans - before.orphans,
        timesUsual: Math.round(ends / took / usualEndsPerSecond),
        reloads: (box.output.match(/Configuration reloaded/g) ?? []).length,
        ...summary(samples),
        zombiesLeft: 0,
      };
      process.stderr.write(`soak: ${JSON.stringify(seen)}\n`);
      if (report !== undefined) writeFileSync(report, `${JSON.stringify(seen, null, 2)}\n`);
      // A loaded machine gives less than was asked for; nothing of it may stand still.
      expect(ends).toBeGreaterThan(5 * seconds);
      expect(seen.reloads).toBeGreaterThanOrEqual(Math.floor(seconds / 10 / 2));
      const [threads = 0, threadsLast] = seen.threads;
      const [descriptors = 0, descriptorsLast] = seen.descriptors;
      expect(threadsLast).toBeLessThanOrEqual(threads + slack.threads);
      expect(descriptorsLast).toBeLessThanOrEqual(descriptors + slack.descriptors);
      expect(seen.rssKiB.last - seen.rssKiB.first).toBeLessThan(rssGrowthKiB);
      box.signal("SIGTERM");
      expect(await box.exit).toEqual({ code: 3 });
    },
    (2 * seconds + 180) * 1000,
  );
});
