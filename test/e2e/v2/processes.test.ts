import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { type Container, describeContainers, run, writeFiles } from "../harness.ts";
import { app, bare, reload, sh, soon, times, web } from "./stage.ts";

const names = async (box: Container): Promise<string[]> => (await box.processes()).map(({ name }) => name);

describeContainers("a coprocess", () => {
  it("is started again as often as it may, and with a new budget after a reload", async () => {
    // The number is how each of them is told apart.
    const config = (number: number) => ({
      ...bare,
      coprocesses: [{ name: "coprocess", command: ["sleep", String(number)], restarts: 1 }],
    });
    const box = await run({ config: config(1001), words: app, timeoutMs: 40_000 });
    const running = async (number: number): Promise<string> =>
      (await box.inside("pgrep", "-f", `^sleep ${number}$`)).stdout.trim();
    const runs = (number: number) => soon(async () => expect(await running(number)).toMatch(/^\d+$/));
    const kill = async (number: number): Promise<void> => {
      const pid = await running(number);
      await box.inside("kill", "-9", pid);
      await soon(async () => expect(await running(number)).not.toBe(pid));
    };
    await runs(1001);
    await kill(1001);
    await runs(1001);
    await kill(1001);
    await sleep(700);
    expect(await running(1001)).toBe("");
    expect(times(box, /coprocess\[coprocess\] exited \(-1\): signal: killed/g)).toBe(2);

    await reload(box, config(1002));
    await runs(1002);
    await kill(1002);
    await runs(1002);
    await kill(1002);
    await sleep(700);
    expect(await running(1002)).toBe("");
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("that never comes up is tried with pauses, so that nothing spins, and never ends the container", async () => {
    const box = await run({
      config: { ...bare, coprocesses: [{ name: "gone", command: "no-such-program", restarts: "unlimited" }] },
      words: app,
    });
    await sleep(2500);
    const tries = times(box, /'no-such-program' is not in PATH/g);
    expect(tries).toBeGreaterThanOrEqual(3);
    expect(tries).toBeLessThanOrEqual(5);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("that is stopped by a reload does not come back, and one that ends with 0 says nothing", async () => {
    const coprocesses = [
      { name: "loop", command: sh("echo loop; exec sleep 1001"), restarts: "unlimited" },
      { name: "quiet", command: "true" },
    ];
    const box = await run({ config: { ...bare, coprocesses }, words: app });
    await box.waitFor(/ loop\n/);
    await reload(box, bare);
    await sleep(700);
    expect(await names(box)).not.toContain("sleep");
    expect(times(box, / loop$/gm)).toBe(1);
    expect(box.output).not.toMatch(/coprocess\[quiet\]/);
    await box.kill();
  });
});

describeContainers("tasks", () => {
  it("run by their frequency, never overlap, and are killed at their timeout with all their children", async () => {
    const tasks = [
      { name: "task1", command: sh("echo one; sleep 0.2"), frequency: "500ms", timeout: "30s" },
      { name: "task2", command: sh("echo two; sleep 3001"), frequency: "1500ms" },
      { name: "task3", command: sh("echo three; sleep 3001"), frequency: "1500ms", timeout: "100ms" },
      {
        name: "task4",
        command: sh("mkdir held || echo overlap; sleep 0.7; rmdir held"),
        frequency: "200ms",
        timeout: "5s",
      },
      { command: ["echo", "nameless"], frequency: 1 },
      { name: "task6", command: sh("echo last words; exit 9"), frequency: "1s" },
    ];
    const box = await run({ config: { ...bare, tasks }, words: app });
    await box.waitFor(/ready/);
    await sleep(3800);
    const counts = Object.fromEntries(
      ["one", "two", "three"].map((word) => [word, times(box, new RegExp(` ${word}$`, "gm"))]),
    );
    // As the original's test has it, with room for a slow machine.
    expect(counts.one).toBeGreaterThanOrEqual(4);
    expect(counts.one).toBeLessThanOrEqual(8);
    for (const word of ["two", "three"]) {
      expect(counts[word]).toBeGreaterThanOrEqual(2);
      expect(counts[word]).toBeLessThanOrEqual(3);
    }
    expect(times(box, /task\[task1\] timeout/g)).toBe(0);
    expect(box.output).toContain("task[task2] timeout after 1500ms: '[-c echo two; sleep 3001]'\n");
    expect(box.output).toContain("killing command for task[task2]\n");
    expect(box.output).toContain("task[task3] timeout after 100ms: '[-c echo three; sleep 3001]'\n");
    expect(times(box, /task\[task3\] timeout after 100ms/g)).toBeGreaterThanOrEqual(2);
    expect(box.output).not.toContain("overlap");
    expect(times(box, / nameless$/gm)).toBeGreaterThanOrEqual(2);
    expect(box.output).toContain("task[task6] failed: exit status 9: last words\n");
    expect((await names(box)).filter((name) => name === "sleep").length).toBeLessThanOrEqual(4);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("wait for preStart, and a time limit of a command that failed says nothing later", async () => {
    const box = await run({
      config: {
        ...bare,
        preStart: "sleep 0.7",
        tasks: [{ name: "quick", command: sh("echo quick; exit 1"), frequency: "200ms", timeout: "300ms" }],
      },
      words: sh("sleep 1.2"),
    });
    await box.waitFor(/ quick\n/);
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.output).not.toMatch(/timeout after/);
  });
});

describeContainers("what is left behind", () => {
  it("no zombie stays, whoever leaves it: the application, a check, a timeout", async () => {
    const box = await run({
      config: {
        ...bare,
        services: [{ ...web, health: sh("sleep 0.1 & exec sleep 0.2") }],
        tasks: [{ name: "t", command: sh("sleep 3001 & sleep 3001"), frequency: "300ms", timeout: "200ms" }],
      },
      words: sh("(sleep 0.1 & sleep 0.15 &) ; (sleep 0.2 &) ; exec sleep 3002"),
    });
    await box.waitFor(/task\[t\] timeout[\s\S]*task\[t\] timeout/);
    await sleep(500);
    expect((await box.zombies()).length).toBeLessThanOrEqual(1);
    await box.kill();
  });

  it("a daemon that a hook, a task or onChange began lives on, until the container ends", async () => {
    const daemon = (seconds: number) => sh(`sleep ${seconds} > /dev/null 2>&1 & echo began ${seconds}`);
    const box = await run({
      config: {
        ...bare,
        preStart: daemon(3001),
        services: [web],
        tasks: [{ command: daemon(3002), frequency: "300ms" }],
        backends: [{ name: "web", poll: 1, onChange: daemon(3003) }],
      },
      words: app,
    });
    for (const seconds of [3001, 3002, 3003]) await box.waitFor(new RegExp(`began ${seconds}\\n`));
    await sleep(600);
    const { stdout } = await box.inside("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
    for (const seconds of [3001, 3002, 3003]) expect(stdout).toContain(`sleep ${seconds} `);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });
});

describeContainers("commands", () => {
  it("in one string are split at blanks alone: quotes, tabs and doubled blanks are words' own", async () => {
    const box = await run({
      config: { ...bare, preStart: "printf <%s> 'a b'  \tc" },
      words: ["true"],
    });
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout).toContain("<'a><b'><><\tc>");
  });

  it("of a check are looked for at each run: one that comes later is found", async () => {
    const box = await run({
      config: { ...bare, services: [{ ...web, health: "./check" }] },
      words: app,
    });
    await box.waitFor(/\.\/check/);
    writeFiles(box.folder, { check: "#!/bin/sh\nexit 0\n" });
    await box.waitFor(/Service registered: web/);
    await box.kill();
  });
});

describeContainers("without an application", () => {
  it("nothing is wrong with it: all runs, and no error is said", async () => {
    const box = await run({
      config: { ...bare, services: [web], tasks: [{ command: "echo task", frequency: "200ms" }] },
    });
    await box.waitFor(/Service registered: web/);
    await box.waitFor(/ task\n/);
    expect(box.output).not.toMatch(/panic|error|zero-length|failed/i);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });
});
