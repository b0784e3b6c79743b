/** What grows, grows in time: events at some twenty times the usual rate, for `SOAK_SECONDS` (half an hour unless given). */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { type Container, describeContainers, fixture, run } from "../e2e/harness.ts";

const seconds = Number(process.env.SOAK_SECONDS ?? 1800);
const warmUpMs = 5000;
/** V8's heap breathes; a leak of one record an event would be far more after half an hour. */
const rssGrowthKiB = 16 * 1024;

const service = (number: number) => ({
  name: `web${number}`,
  ...{ port: 8000 + number, health: "true", poll: 1, ttl: 5, interfaces: "static:10.1.2.3" },
});
const task = (number: number) => ({ name: `task${number}`, command: ["sh", "-c", "echo done"], frequency: "200ms" });
const config = {
  directory: "catalog",
  services: [1, 2, 3, 4].map(service),
  tasks: [1, 2, 3, 4].map(task),
  coprocesses: [{ name: "agent", command: ["sleep", "0.5"], restarts: "unlimited" }],
};

function holdings({ pid }: Container): { rssKiB: number; threads: number; descriptors: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const number = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    rssKiB: number("VmRSS"),
    threads: number("Threads"),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

describeContainers("a soak", () => {
  it(
    `of ${seconds} s leaves memory, descriptors, threads and zombies as they were`,
    async () => {
      const words = [
        "sh",
        "-c",
        `trap 'exit 3' TERM; echo up; while :; do ${fixture("forks-orphan")} 5 0 & sleep 0.5; kill $!; done`,
      ];
      const box = await run({ config, words, timeoutMs: (seconds + 120) * 1000 });
      await box.waitFor(/up/);
      await sleep(warmUpMs);
      const before = holdings(box);
      for (let second = 0; second < seconds; second++) {
        await sleep(1000);
        box.signal("SIGWINCH");
        if (second % 10 === 9) box.signal("SIGHUP");
        expect(box.ended).toBeUndefined();
      }
      await expect.poll(async () => (await box.zombies()).length, { timeout: 20_000 }).toBe(0);
      const after = holdings(box);
      const runs = (box.output.match(/ done$/gm) ?? []).length;
      process.stderr.write(`soak: ${seconds} s, ${runs} tasks, ${JSON.stringify({ before, after })}\n`);
      expect(runs).toBeGreaterThan(2 * seconds);
      expect(after.threads).toBeLessThanOrEqual(before.threads + 4);
      // A check or a task may be under way: three streams each.
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 24);
      expect(after.rssKiB - before.rssKiB).toBeLessThan(rssGrowthKiB);
      box.signal("SIGTERM");
      expect(await box.exit).toEqual({ code: 3 });
    },
    (seconds + 180) * 1000,
  );
});
