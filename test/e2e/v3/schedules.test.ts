/** Intervals, time limits and leftovers of ContainerPilot 3's jobs. The machine may be slow: runs are counted, not timed. */
import { expect, it } from "vitest";
import { describeContainers } from "../harness.ts";
import { sh, soon, times } from "../v2/stage.ts";
import { bare, start, steady } from "./stage.ts";

describeContainers("jobs with an interval", () => {
  it("run at once, then restarts times more, each no longer than its limit; without restarts they go on", async () => {
    const task = (name: string, seconds: string, interval: string, more: object): object => ({
      name,
      exec: sh(`echo ${name} began; exec sleep ${seconds}`),
      when: { interval },
      ...more,
    });
    const box = await start({
      ...bare,
      logging: { format: "text" },
      jobs: [
        task("task1", "0.1", "1s", { restarts: "3", timeout: "20s" }),
        task("task2", "600", "1s", { restarts: 3, timeout: "100ms" }),
        task("task3", "0.1", "1s", { timeout: "20s" }),
        { name: "over1", exec: "echo over", when: { once: "stopped", source: "task1" } },
        { name: "over2", exec: "echo over", when: { once: "stopped", source: "task2" } },
      ],
    });
    await soon(() => expect(times(box, /msg=over /g)).toBe(2), 25_000);
    expect(times(box, /msg="task1 began"/g)).toBe(4);
    expect(times(box, /task1 timeout/g)).toBe(0);
    expect(times(box, /task2 timeout after 100ms: '\[-c /g)).toBe(4);
    expect(times(box, /msg="task3 began"/g)).toBeGreaterThan(1);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });

  it("leave no zombie, nor the processes that a run or a check has left in its group", async () => {
    const box = await start({
      ...bare,
      jobs: [
        {
          name: "app",
          exec: steady,
          health: { exec: sh("setsid sleep 0.1 & sleep 602 & exec true"), interval: 1, ttl: 5 },
        },
        {
          name: "orphans",
          exec: sh("(sleep 0.05 &) ; sleep 603 & echo ran"),
          when: { interval: "100ms" },
          timeout: "20s",
        },
        { name: "healthy", exec: "echo healthy", when: { each: "healthy", source: "app" } },
      ],
    });
    await soon(() => expect(times(box, / ran\n/g)).toBeGreaterThan(10));
    await soon(() => expect(times(box, / healthy\n/g)).toBeGreaterThan(2));
    // Each run may have left one that is ending just now.
    await soon(async () => expect((await box.zombies()).length).toBeLessThanOrEqual(1));
    expect((await box.processes()).filter(({ name }) => name === "sleep").length).toBeLessThan(8);
    expect(box.output).not.toContain("no child processes");
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });
});

describeContainers("jobs", () => {
  it("that start each other in a ring are slowed by their runs, and named; the container stops all the same", async () => {
    const next = (name: string, source: string): object => ({
      name,
      exec: sh("sleep 0.02"),
      when: { each: "exitSuccess", source },
    });
    const box = await start({
      ...bare,
      jobs: [
        // Two jobs of one name are one source: the second one sets the ring going.
        next("a", "c"),
        { name: "a", exec: "true" },
        next("b", "a"),
        next("c", "b"),
      ],
    });
    await box.waitFor(/[abc] was started 20 times in 10000 ms: a loop\?\n/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    expect(times(box, /a loop\?/g)).toBeLessThan(10);
  });

  it("that start each other by programs that are not there do not spin, nor keep the stop from being heard", async () => {
    const next = (name: string, source: string): object => ({
      name,
      exec: `/no/${name}`,
      when: { each: "exitFailed", source },
    });
    const jobs = [next("a", "c"), { name: "a", exec: "false" }, next("b", "a"), next("c", "b")];
    const box = await start({ ...bare, jobs });
    await box.waitFor(/[abc] was started 20 times in 10000 ms: a loop\?\n/);
    const before = times(box, /does not exist\n/g);
    await soon(() => expect(times(box, /does not exist\n/g)).toBeGreaterThan(before + 1));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    // Unbounded it was 2000 a second.
    expect(times(box, /does not exist\n/g)).toBeLessThan(400);
  });
});
