import { expect } from "vitest";
import { fixture } from "../e2e/harness.ts";
import { drive, driveBelow, saidOf } from "./image.ts";

const batch = 50;

export type Load = "idle" | "busy" | "gc";
export const loads: readonly Load[] = ["idle", "busy", "gc"];
export const roles = ["PID 1", "a subreaper"] as const;

/**
 * So many orphans, to completion: each is reaped, each is counted once, under its name and with the job it came from, no
 * zombie is left, and there are never many.
 */
export async function checkStorm(role: (typeof roles)[number], load: Load, orphans: number): Promise<void> {
  const words = ["storm", load, fixture("storms-orphans"), String(orphans), String(batch)];
  const start = role === "PID 1" ? drive : driveBelow;
  const box = await start("launcher", words, { timeoutMs: 540_000 });
  expect(await box.exit).toEqual({ code: 0 });
  const [, peak, left] = /^peak (\d+) left (\d+)$/m.exec(box.stdout) ?? [];
  expect(left).toBe("0");
  // One batch, and what the reaper is behind by on a busy machine; all of them without a reaper.
  expect(Number(peak)).toBeLessThanOrEqual(10 * batch);
  expect(saidOf(box, "boot")).toMatchObject([{ pid1: role === "PID 1", subreaper: role !== "PID 1" }]);
  expect(saidOf(box, "exited")).toMatchObject([{ run: 1, code: 0 }]);
  const [{ text } = { text: "[]" }] = saidOf(box, "said");
  expect(JSON.parse(text)).toMatchObject([{ comm: "storms-orphans", count: orphans, job: "run1" }]);
}
