/** A stop while something of ours is under way: none of it may delay the stop, or lose the application's code. */
import { expect, it } from "vitest";
import { type Container, describeContainers, run } from "../harness.ts";
import { app, bare, catalogOf, sh, soon, web } from "./stage.ts";

/** Asks it to stop and gives how long it took. */
async function stop(box: Container): Promise<number> {
  const begun = Date.now();
  box.signal("SIGTERM");
  expect(await box.exit).toEqual({ code: 3 });
  return Date.now() - begun;
}

describeContainers("a stop", () => {
  const hangs = (word: string) => sh(`echo ${word} hangs; trap '' TERM; sleep 3001 & sleep 3001; sleep 3001`);

  it.each([
    ["a check", { services: [{ ...web, health: hangs("check") }] }],
    ["onChange", { services: [web], backends: [{ name: "web", poll: 1, onChange: hangs("onChange") }] }],
    ["a task", { tasks: [{ command: hangs("task"), frequency: "200ms", timeout: "1h" }] }],
    [
      "a sensor",
      {
        telemetry: {
          port: 19_393,
          interfaces: ["static:127.0.0.1"],
          sensors: [{ name: "s_s", help: "h", type: "gauge", poll: 1, check: hangs("sensor") }],
        },
      },
    ],
  ])("is not held up by %s that hangs and ignores TERM", async (_, more) => {
    const box = await run({ config: { ...bare, stopTimeout: 1, ...more }, words: app });
    await box.waitFor(/ready/);
    if (!("telemetry" in more)) await box.waitFor(/ hangs\n/);
    expect(await stop(box)).toBeLessThan(5000);
    expect(box.stdout).toContain("got TERM\n");
  });

  it("that comes while Node starts keeps everything from being started, and ends with 143", async () => {
    // A signal that is blocked waits, also for PID 1: signal(7). So this one is there before Node's first instruction.
    const files = { "wrapper/node": '#!/bin/sh\nkill -TERM $$\nexec node "$@"\n' };
    const hooks = { preStart: "echo preStart", preStop: "echo preStop", postStop: "echo postStop" };
    const config = { ...bare, ...hooks, coprocesses: [{ command: "echo coprocess" }] };
    const box = await run({
      config,
      files,
      env: { CONTAINERPILOT_NODE: "wrapper/node" },
      words: ["echo", "application"],
    });
    expect(await box.exit).toEqual({ code: 143 });
    expect(box.output).toMatch(/Stopping: SIGTERM from process 1\./);
    expect(box.output).not.toMatch(/preStart|preStop|postStop|coprocess|application/);
  });

  it("takes stopTimeout as text, and is not confused by a second and a third TERM after the end has begun", async () => {
    const box = await run({
      config: { ...bare, stopTimeout: "2", postStop: sh("echo postStop; sleep 0.4; echo done") },
      words: app,
    });
    await box.waitFor(/ready/);
    box.signal("SIGTERM");
    await box.waitFor(/postStop\n/);
    box.signal("SIGUSR1");
    box.signal("SIGHUP");
    expect(await box.exit).toEqual({ code: 3 });
    expect(box.stdout).toContain("done\n");
  });

  it("runs no further check, task or onChange, and registers nothing again", async () => {
    const config = {
      ...bare,
      services: [{ ...web, health: sh("echo checked") }],
      tasks: [{ command: "echo task", frequency: "100ms" }],
      preStop: sh("echo preStop; ls catalog | sed s/^/left:/; sleep 1.2; ls catalog | sed s/^/later:/"),
    };
    const box = await run({ config, words: app });
    await box.waitFor(/Service registered: web/);
    await stop(box);
    const after = box.output.slice(box.output.indexOf("preStop\n"));
    expect(after).not.toMatch(/ (checked|task)\n|left:|later:/);
    expect(catalogOf(box)).toEqual({});
  });

  it("waits once for two services of one name, which share their entry", async () => {
    const box = await run({ config: { ...bare, services: [web, { ...web, port: 8001 }] }, words: app });
    await box.waitFor(/Service registered: web/);
    await stop(box);
    expect(box.output).not.toMatch(/Deregistering failed/);
    expect(catalogOf(box)).toEqual({});
  });

  it("ends a HUP that is under way", async () => {
    const box = await run({
      config: { ...bare, coprocesses: [{ name: "slow", command: hangs("coprocess") }], stopTimeout: 1 },
      words: app,
    });
    await box.waitFor(/ hangs\n/);
    box.signal("SIGHUP");
    await box.waitFor(/Reloading configuration\./);
    expect(await stop(box)).toBeLessThan(6000);
  });
});

describeContainers("log lines that people look for", () => {
  it("begin with the whole configuration at DEBUG, without a command's arguments", async () => {
    const box = await run({
      config: { ...bare, logging: { level: "debug" }, preStart: ["true", "s3cret"], services: [web] },
      words: app,
    });
    await box.waitFor(/ Loaded config: \{.*"web"/);
    await box.waitFor(/ Service registered: web\n/);
    expect(box.output).not.toContain("s3cret");
    await stop(box);
    expect(box.output).toMatch(/ Deregistering service: web\n[\s\S]* exit status 3\n/);
  });

  it("name a death by a signal as Go does", async () => {
    const box = await run({ config: bare, words: sh("kill -KILL $$") });
    expect(await box.exit).toEqual({ code: 137 });
    expect(box.stdout).toMatch(/\d signal: killed\n/);
    const good = await run({ config: bare, words: ["true"] });
    expect(await good.exit).toEqual({ code: 0 });
    expect(good.output).not.toMatch(/exit status|signal:/);
  });

  it("name a check's timeout with the configuration's words, and kill all of it", async () => {
    const health = sh("sleep 3001 & sleep 3002");
    const box = await run({ config: { ...bare, services: [{ ...web, health, timeout: "200ms" }] }, words: app });
    await box.waitFor(/ web\.health timeout after 200ms: '\[-c sleep 3001 & sleep 3002\]'\n/);
    await box.waitFor(/ killing command for web\.health\n/);
    await soon(async () => {
      const sleeps = (await box.processes()).filter(({ name }) => name === "sleep");
      expect(sleeps.length).toBeLessThanOrEqual(2);
    });
    await stop(box);
  });
});
