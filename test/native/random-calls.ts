import { expect } from "vitest";
import { drive, saidOf } from "./image.ts";

/** So many calls of the addon as the seed has them: none crashes or hangs, and a program can be run afterwards. */
export async function checkRandomCalls(seed: number, calls: number): Promise<void> {
  const box = await drive("launcher", ["fuzz", String(seed), String(calls)], { timeoutMs: 540_000 });
  expect(await box.exit).toEqual({ code: 0 });
  expect(saidOf(box, "said").map(({ text }) => text)).toEqual([
    "unexpected: start: Error: start: the native half is started once",
    // Three more that would have ended it.
    `all: ${calls + 3}`,
    "good: true",
  ]);
}
