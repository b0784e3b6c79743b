import { expect, it } from "vitest";
import { describeContainers, run } from "../e2e/harness.ts";
import { command, drive, driveBelow, inImage, starts } from "./image.ts";

describeContainers("leaving", () => {
  it.each([
    [0, 0],
    [1, 1],
    [70, 70],
    [128, 128],
    [143, 143],
    [255, 255],
    [256, 0],
    [-1, 255],
  ])("exit(%i) is seen as %i", async (code, seen) => {
    expect(await (await drive("launcher", ["exit", String(code)])).exit).toEqual({ code: seen });
    const below = await driveBelow("node", ["exit", String(code)]);
    await below.exit;
    expect(below.stdout).toContain(`code ${seen}\n`);
  });

  it("writes what is still in the log", async () => {
    const script = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done";
    const box = await drive("launcher", ["run-logged", "/bin/sh", "-c", script]);
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout.match(/web \d+ line \d+$/gm)).toHaveLength(2000);
  });

  it.each(starts)("%s: leaves the flags of shared pipes as they were", async (start) => {
    const flags = "grep flags /proc/self/fdinfo/1 >&2";
    const script = `{ ${flags}; "$@"; ${flags}; } | cat`;
    const entrypoint = ["sh", "-c", script, "sh", ...command(start, "touch-stdout")];
    const box = await run({ entrypoint, binds: [inImage(".")] });
    expect(await box.exit).toEqual({ code: 0 });
    const [before, after] = [...box.stderr.matchAll(/^flags:\s+(\d+)$/gm)].map(([, octal]) => octal);
    expect(before).toBeDefined();
    expect(after).toBe(before);
  });
});
