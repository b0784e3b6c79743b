import { expect } from "vitest";
import { type Container, PATH } from "../e2e/harness.ts";
import { drive } from "./image.ts";

/** JavaScript ends in one of these ways, as the driver's scenario `die` knows them. */
export const ways = ["abort", "throw", "reject", "exit", "segv", "heap"] as const;
export type Way = (typeof ways)[number];

/** By the Node of this folder; the machine's own unless given. */
async function dying(way: Way, node: string | undefined): Promise<Container> {
  const flags = way === "heap" ? { NODE_OPTIONS: "--max-old-space-size=20" } : {};
  const path = node === undefined ? {} : { PATH: `${node}:${PATH}` };
  const box = await drive("node", ["die", way], { stdin: "pipe", env: { ...flags, ...path }, timeoutMs: 60_000 });
  await box.waitFor(/the JavaScript half has (crashed|ended)/);
  // Both have set their traps.
  await box.waitFor(/^up$/m, "stdout");
  await box.waitFor(/^companion up$/m, "stdout");
  return box;
}

/** The application goes on, and its code is the container's; the companion is stopped. */
export async function checkOutlives(way: Way, node?: string): Promise<void> {
  const box = await dying(way, node);
  box.write("line\n");
  expect(await box.exit).toEqual({ code: 23 });
  expect(box.stdout).toContain("companion told");
}

/** Signals still reach the application. */
export async function checkForwards(way: Way, node?: string): Promise<void> {
  const box = await dying(way, node);
  box.signal("SIGTERM");
  expect(await box.exit).toEqual({ code: 24 });
  expect(box.stdout).toMatch(/^told$/m);
}
