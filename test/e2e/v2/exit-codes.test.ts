import { expect, it } from "vitest";
import { describeContainers, run } from "../harness.ts";

const bare = { directory: "catalog" };
const sh = (script: string) => ["sh", "-c", script];
const exitCode = async (config: object, words: readonly string[]) => (await run({ config, words })).exit;

describeContainers("the container's exit code is the application's", () => {
  it.each([0, 1, 2, 63, 64, 78, 126, 127, 128, 130, 137, 143, 254, 255])("exit %i", async (code) => {
    expect(await exitCode(bare, sh(`exit ${code}`))).toEqual({ code });
  });

  it.each([
    ["HUP", 129],
    ["ABRT", 134],
    ["KILL", 137],
    ["SEGV", 139],
    ["TERM", 143],
  ])("death by SIG%s is 128 + its number", async (signal, code) => {
    expect(await exitCode(bare, sh(`kill -${signal} $$`))).toEqual({ code });
  });

  it("a program that does not exist is 127, named, and postStop still runs", async () => {
    const box = await run({ config: { ...bare, postStop: "echo after" }, words: ["no-such-program", "-x"] });
    expect(await box.exit).toEqual({ code: 127 });
    expect(box.output).toContain("'no-such-program' is not in PATH");
    expect(box.stdout).toContain("after");
  });

  it("a file that may not be executed is 126, and said so", async () => {
    const box = await run({ config: bare, files: { app: "#!/bin/sh\n" }, words: ["sh", "-c", "exit 0"] });
    expect(await box.exit).toEqual({ code: 0 });
    const refused = await run({ config: bare, words: ["/etc/passwd"] });
    expect(await refused.exit).toEqual({ code: 126 });
    expect(refused.output).toContain("'/etc/passwd' (/etc/passwd) may not be executed");
  });

  it("a missing interpreter is named", async () => {
    const words = ["sh", "-c", "printf '#!/no/interpreter\\n' > script; chmod +x script; exit 4"];
    const made = await run({ config: bare, words });
    expect(await made.exit).toEqual({ code: 4 });
    const box = await run({
      config: { ...bare, preStart: sh("printf '#!/no/interpreter\\n' > script; chmod +x script") },
      words: ["./script"],
    });
    expect(await box.exit).toEqual({ code: 127 });
    expect(box.output).toContain("names the interpreter '/no/interpreter', which does not exist");
  });
});

describeContainers("hooks' exit codes", () => {
  it("a failing preStart ends the container with its code; the application is never started", async () => {
    const box = await run({
      config: { ...bare, preStart: sh("exit 9"), postStop: "echo after" },
      words: ["echo", "app"],
    });
    expect(await box.exit).toEqual({ code: 9 });
    expect(box.stdout).not.toMatch(/^(app|after)$/m);
  });

  it.each([
    [sh("kill -9 $$"), 137],
    [["no-such-hook"], 127],
  ])("preStart %j ends it with %i", async (preStart, code) => {
    expect(await exitCode({ ...bare, preStart }, ["echo", "app"])).toEqual({ code });
  });

  it.each([
    ["exit 0", "exit 7", 7],
    ["exit 5", "exit 7", 7],
    ["exit 5", "exit 0", 5],
    ["exit 5", "kill -9 $$", 137],
  ])("application '%s', postStop '%s': %i", async (app, postStop, code) => {
    expect(await exitCode({ ...bare, postStop: sh(postStop) }, sh(app))).toEqual({ code });
  });

  it("a failing preStop changes nothing", async () => {
    const box = await run({
      config: { ...bare, preStop: sh("exit 9") },
      words: sh("trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done"),
    });
    await box.waitFor(/up/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });
});
