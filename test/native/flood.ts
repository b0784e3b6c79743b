import { expect } from "vitest";
import { run } from "../e2e/harness.ts";
import { command, inImage } from "./image.ts";

/** Bytes of a line, its newline too. */
const lineBytes = 101;

export const readers: Readonly<Record<string, (count: string) => string>> = {
  "a reader that keeps up": (count) => count,
  "a reader that is stuck for a second": (count) => `{ sleep 1; ${count}; }`,
};

/** Says the init's peak of resident memory, floods, says it again. */
const flood = (lines: number) => `
  peak() { grep VmHWM /proc/$PPID/status; }
  peak
  awk 'BEGIN { for (i = 0; i < ${lines}; i++) printf "%0100d\\n", i }'
  peak`;

/** Checks number and order of the flood's lines; lets the peaks pass. */
const count = `awk '
  /VmHWM/ { print $(NF - 1) " kB" }
  length($NF) == ${lineBytes - 1} { if ($NF + 0 != n++) print "out of order at " n }
  END { print n " lines" }'`;

/** A child floods the log: all lines arrive, in order, up to its end, and the init's peak grows by less than `growthMaxKb`. */
export async function checkFlood(reader: string, lines: number, growthMaxKb: number, timeoutMs: number): Promise<void> {
  const read = readers[reader]?.(count) ?? "";
  const driver = command("launcher", "run-logged", "/bin/sh", "-c", flood(lines));
  const entrypoint = ["sh", "-c", `"$@" | ${read}`, "sh", ...driver];
  const box = await run({ entrypoint, binds: [inImage(".")], timeoutMs });
  expect(await box.exit).toEqual({ code: 0 });
  const peaks = [...box.stdout.matchAll(/^(\d+) kB$/gm)].map(([, kilobytes]) => Number(kilobytes));
  expect(peaks).toHaveLength(2);
  const [before = Number.NaN, after = Number.NaN] = peaks;
  expect(box.stdout).not.toContain("out of order");
  expect(box.stdout).toContain(`\n${lines} lines\n`);
  expect(after - before).toBeLessThan(growthMaxKb);
}
