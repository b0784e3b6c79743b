/** What the tests of rebirth share: an init that dies on demand. */
import { execFileSync } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type Container, fixture, type RunOptions, root, run, tempFolder } from "../harness.ts";

const folder = tempFolder();
const hook = fixture("dies/hook.cjs");
const headers = `-I${join(root, "node_modules/node-api-headers/include")}`;

/** A library of test/fixtures/dies. */
function library(source: string): string {
  const made = join(folder, `${source}.so`);
  execFileSync("gcc", ["-shared", "-fPIC", "-O0", "-w", "-o", made, fixture(`dies/${source}`), headers, "-ldl"]);
  return made;
}

const native = library("native.c");
/** For LD_PRELOAD: what the ways need that die inside of a call that the init makes. */
export const shim: string = library("shim.c");

/** A container whose init can be made to die by `die`; the watchdog waits two seconds. */
export function mortal(options: RunOptions): Promise<Container> {
  const env = {
    NODE_OPTIONS: `--require=${hook} --max-old-space-size=24`,
    DIES_NATIVE: native,
    CONTAINERPILOT_WATCHDOG: "2",
    ...options.env,
  };
  return run({ timeoutMs: 60_000, ...options, env, binds: [folder, ...(options.binds ?? [])] });
}

const died = /the runtime has died \(([^)]*)\), it is replaced/g;

/** What the init has died of so far, in its own words. */
export const deaths = ({ output }: Container): string[] => [...output.matchAll(died)].map(([, why]) => why ?? "");

/** Lets the init die soon. Whole at once: the init takes the file away as soon as it sees it. */
export function letDie(box: Container, way: string): void {
  writeFileSync(join(box.folder, "die.new"), way);
  renameSync(join(box.folder, "die.new"), join(box.folder, "die"));
}

/** Lets the init die, and waits until it says so. */
export async function die(box: Container, way: string): Promise<string> {
  const before = deaths(box).length;
  letDie(box, way);
  await expect.poll(() => deaths(box).length, { timeout: 25_000, interval: 20 }).toBe(before + 1);
  return deaths(box).at(-1) ?? "";
}

/** Ways to die (test/fixtures/dies), and what the init calls them. */
export const causes: readonly (readonly [way: string, cause: string | RegExp])[] = [
  ["throw", "throw: Error: on purpose"],
  ["rejection", "rejection: Error: on purpose"],
  ["exit", "exit"],
  ["exit-code", "exit"],
  ["abort", "abort"],
  ["heap", /^heap: /],
  ["recursion", /^throw: RangeError/],
  ["hang", "hang"],
  ["null", "segv"],
  ["null-in-thread", "segv"],
  ["several", "segv"],
  ["fpe", "fpe"],
  ["ill", "ill"],
  ["bus", "bus"],
  ["overflow", "stack"],
  ["overflow-in-thread", "stack"],
  ["corrupt", "abort"],
  ["cxx-exit", "exit"],
  ["nested", /./],
];
