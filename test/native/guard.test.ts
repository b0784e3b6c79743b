import { copyFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { drive, inImage, saidOf, starts } from "./image.ts";
import { checkRandomCalls } from "./random-calls.ts";

describeContainers("wrong use", () => {
  it("child_process cannot be had in the init", async () => {
    const box = await drive("launcher", ["guard"]);
    expect(await box.exit).toEqual({ code: 0 });
    const thrown = saidOf(box, "thrown");
    const told = thrown.filter(({ message }) => message.includes("native half reaps every child"));
    expect(told.map(({ what }) => what).slice(0, 4)).toEqual([
      "child_process",
      "node:child_process",
      "cluster",
      "node:cluster",
    ]);
    expect(told).toHaveLength(thrown.length);
    expect(told.map(({ what }) => what)).toEqual(
      expect.arrayContaining(["spawn", "execFile", "fork", "spawnSync", "execSync"].map((name) => `import, ${name}`)),
    );
    expect(saidOf(box, "said").map(({ text }) => text)).toEqual(['fs: "function"']);
  });

  it(
    "random calls with random arguments return or throw, and nothing is spoilt",
    () => checkRandomCalls(1, 2000),
    70_000,
  );

  it("loaded once more it is the same, and a copy of it is refused", async () => {
    const copy = inImage("copy.node");
    copyFileSync(inImage("pilot.node"), copy);
    const box = await drive("launcher", ["load-again", copy]);
    expect(await box.exit).toEqual({ code: 0 });
    const thrown = saidOf(box, "thrown").map(({ what, message }) => `${what}: ${message}`);
    expect(thrown).toEqual([
      "same file: start: start: the native half is started once",
      "same file: run taken: run must be the number of no unfinished run",
      "copy: the native half is in this process already, loaded from another file",
    ]);
    expect(saidOf(box, "said").map(({ text }) => text)).toEqual(["same file: spawn: true", "first: true"]);
  });

  it("the addon cannot be loaded in a Worker, and goes on in the main thread", async () => {
    const box = await drive("launcher", ["worker", inImage("pilot.node")]);
    expect(await box.exit).toEqual({ code: 0 });
    const thrown = saidOf(box, "thrown").map(({ message }) => message);
    expect(thrown).toEqual(
      Array(3).fill("the native half belongs to the main thread: it cannot be loaded in a Worker"),
    );
    expect(saidOf(box, "said").map(({ text }) => text)).toEqual(["main thread: true"]);
  });

  it.each(starts.flatMap((start) => [[start, "started"] as const, [start, "not started"] as const]))(
    "%s, %s: no call crashes while the process leaves by Node's own way",
    async (start, how) => {
      const box = await drive(start, ["late", how]);
      expect(await box.exit).toEqual({ code: 9 });
      const calls = [...saidOf(box, "said").map(({ text }) => text), ...saidOf(box, "thrown").map(({ what }) => what)];
      expect(calls).toHaveLength(10);
      const thrown = how === "started" ? ["exit: start"] : [];
      expect(saidOf(box, "thrown").map(({ what }) => what)).toEqual(thrown);
    },
  );

  it.each(starts)("%s: each wrong argument is named, and nothing happens", async (start) => {
    const box = await drive(start, ["misuse"]);
    expect(await box.exit).toEqual({ code: 0 });
    const thrown = Object.fromEntries(saidOf(box, "thrown").map(({ what, message }) => [what, message]));
    const streams = 'must be one of "inherit", "null", "log", "capture"';
    expect(thrown).toEqual({
      "start without a function": "doorbell must be a function",
      "start twice": "start: the native half is started once",
      "run 0": "run must be an integer from 1 to 4294967295",
      "run 1.5": "run must be an integer from 1 to 4294967295",
      "no object": "run must be a property of an object",
      "no file": "file must be a string",
      "NUL in argv": "argv must be a string without a NUL character",
      "env no array": "env must be an array",
      "stdout unknown": `stdout ${streams}`,
      "attributes no object": "limits must be a property of an object",
      "uid negative": "uid must be an integer from 0 to 4294967294",
      "nice too nice": "nice must be an integer from -20 to 19",
      "umask too much": "umask must be an integer from 0 to 511",
      "limit unknown": expect.stringMatching(/^limits must be one of "as", "core"/),
      "limit half": "limits must be an integer from 0 to 9007199254740992",
      "groups a number": "groups must be an array",
      "oomScoreAdj too much": "oomScoreAdj must be an integer from -1000 to 1000",
      "capability unknown": expect.stringMatching(/^capabilities must be one of "CHOWN"/),
      "privileges a string": "noNewPrivileges must be true or false",
      "cwd with NUL": "cwd must be a string without a NUL character",
      "deathSignal 0": "deathSignal must be an integer from 1 to 64",
      "stdin log": 'stdin must be one of "inherit", "null"',
      "foreground a string": "foreground must be true or false",
      "fields no pairs": "fields must be a string",
      "signal 65": "signo must be an integer from 0 to 64",
      "target unknown": 'target must be one of "process", "group"',
      "policy 65": "forward must be an integer from 1 to 64",
      "level unknown": 'level must be one of "debug", "info", "warn", "error", "fatal", "panic"',
      "fd closed": "fd must be an open descriptor",
      "code a string": "code must be an integer from -2147483648 to 2147483647",
      "run taken": "run must be the number of no unfinished run",
    });
    expect(saidOf(box, "said").map(({ text }) => text)).toEqual([
      "drain before start: []",
      "signal before start: -3",
      "boot twice: true",
      "good: true",
      "gone: -3",
    ]);
  });
});
