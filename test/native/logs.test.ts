import { expect, it } from "vitest";
import { describeContainers, run } from "../e2e/harness.ts";
import { command, inImage } from "./image.ts";

const lines = 300_000;
/** Below this the init's peak may grow while 30 MB pass: the pump's buffers, and what Node does by itself. */
const growthMaxKb = 8 * 1024;

/** Says the init's peak of resident memory, floods, says it again. */
const flood = `
  peak() { grep VmHWM /proc/$PPID/status; }
  peak
  awk 'BEGIN { for (i = 0; i < ${lines}; i++) printf "%0100d\\n", i }'
  peak`;

/** Checks number and order of the flood's lines; lets the peaks pass. */
const count = `awk '
  /VmHWM/ { print $(NF - 1) " kB" }
  length($NF) == 100 { if ($NF + 0 != n++) print "out of order at " n }
  END { print n " lines" }'`;

describeContainers("children's output", () => {
  it.each([
    ["a reader that keeps up", count],
    ["a reader that is stuck for a second", `{ sleep 1; ${count}; }`],
  ])("passes a flood in bounded memory to %s", async (_, reader) => {
    const entrypoint = [
      "sh",
      "-c",
      `"$@" | ${reader}`,
      "sh",
      ...command("launcher", "run-logged", "/bin/sh", "-c", flood),
    ];
    const box = await run({ entrypoint, binds: [inImage(".")] });
    expect(await box.exit).toEqual({ code: 0 });
    const peaks = [...box.stdout.matchAll(/^(\d+) kB$/gm)].map(([, kilobytes]) => Number(kilobytes));
    expect(peaks).toHaveLength(2);
    const [before = Number.NaN, after = Number.NaN] = peaks;
    expect(box.stdout).not.toContain("out of order");
    expect(box.stdout).toContain(`\n${lines} lines\n`);
    expect(after - before).toBeLessThan(growthMaxKb);
  });
});
