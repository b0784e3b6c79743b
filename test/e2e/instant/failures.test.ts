import { execFileSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers, fixture } from "../harness.ts";
import { deaths, mortal } from "../rebirth/stage.ts";
import { app, bare, sh, times } from "../v2/stage.ts";
import { compiled, release, start, startHeld } from "./stage.ts";

const given = ({ config, folder }: { config: string; folder: string }) => ({
  flags: ["-config", `file://${config}`],
  binds: [folder],
});

describeContainers("after an instant start", () => {
  it("a runtime that dies while it boots is replaced, and the next one adopts the application", async () => {
    const image = await compiled({
      ...bare,
      coprocesses: [{ name: "side", command: sh("echo side; exec sleep 1000") }],
    });
    const box = await mortal({ ...given(image), words: app, files: { boot: "abort 1" } });
    await box.waitFor(/side/);
    expect(deaths(box)).toEqual(["abort"]);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(times(box, /ready/g)).toBe(1);
    expect(times(box, /got TERM/g)).toBe(1);
  });

  it("one that dies at each boot stops the application in the end, whose code is the container's", async () => {
    const box = await mortal({ ...given(await compiled(bare)), words: app, files: { boot: "abort 9" } });
    expect(await box.exit).toEqual({ code: 3 });
    expect(deaths(box)).toEqual(["abort", "abort", "abort"]);
    expect(times(box, /got TERM/g)).toBe(1);
  });

  it("a Node that cannot be executed: the application is stopped with its grace, and the code says what was wrong", async () => {
    const image = await compiled({ consul: "127.0.0.1:1", jobs: [{ name: "app", main: true, exec: app }] });
    const broken = join(image.folder, "node");
    writeFileSync(broken, "\x7fELF and nothing behind", { mode: 0o755 });
    const box = await start(image, { env: { CONTAINERPILOT_NODE: broken } });
    expect(await box.exit).toEqual({ code: 126 });
    // It may have been stopped before it could say anything; what it says is not wrapped by anybody.
    expect(box.stdout).toMatch(/^(ready\n)?(got TERM\n)?$/);
    expect(box.stderr).toBe(`containerpilot: ${broken} cannot be run: Exec format error\n`);
  });

  it("no Node at all: nothing is started", async () => {
    const box = await start(await compiled(bare), { words: app, env: { PATH: "/none" } });
    expect(await box.exit).toEqual({ code: 127 });
    expect(box.stdout).toBe("");
  });

  it.each([
    ["stopped", app, /^got TERM$/m],
    ["killed after its grace", [fixture("ignores-term")], /./],
  ])(
    "a configuration that turns out to be wrong: the application is %s, and the code is 78",
    async (_, words, said) => {
      const image = await compiled({ ...bare, stopTimeout: 1 });
      const box = await startHeld(image, { words });
      await box.waitFor(/held/);
      writeFileSync(image.config, "{");
      release(box);
      expect(await box.exit).toEqual({ code: 78 });
      expect(box.output).toMatch(said);
      expect(box.stderr).toContain("config.json:1:2");
    },
  );

  it("a Node that nothing can be preloaded into: it adopts the application all the same", async () => {
    const image = await compiled(bare);
    const node = join(image.folder, "node");
    copyFileSync(process.execPath, node);
    execFileSync(fixture("grants-capability"), [node]);
    const env = { CONTAINERPILOT_NODE: node };
    const box = await start(image, { words: app, env, user: "12345:12345" });
    await box.waitFor(/Node's file has capabilities/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(times(box, /ready/g)).toBe(1);
    expect(times(box, /got TERM/g)).toBe(1);
  });
});
