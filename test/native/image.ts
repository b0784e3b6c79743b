import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { beforeAll } from "vitest";
import { type Container, type RunOptions, root, run, tempFolder } from "../e2e/harness.ts";
import type { Said } from "./driver.ts";

let folder = "";

/** Launcher, addon and the driver as the bundle, as they lie in an image; once for a test file. */
beforeAll(() => {
  folder = tempFolder();
  for (const name of ["containerpilot", "pilot.node"] as const) copyFileSync(built(name), inImage(name));
  buildSync({
    entryPoints: [join(import.meta.dirname, "driver.ts")],
    outfile: inImage("containerpilot.cjs"),
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "error",
  });
});

/** A file that `scripts/build-native` has made. */
export function built(name: "containerpilot" | "pilot.node"): string {
  return join(root, "build/native", name);
}

export function inImage(name: string): string {
  return join(folder, name);
}

/** How the driver is started: by the launcher, or by Node alone, as `npx` does. */
export type Start = "launcher" | "node";
export const starts: readonly Start[] = ["launcher", "node"];

export function command(start: Start, ...words: readonly string[]): string[] {
  const program = start === "launcher" ? [inImage("containerpilot")] : ["node", inImage("containerpilot.cjs")];
  return [...program, ...words];
}

/** The driver as PID 1. */
export function drive(start: Start, words: readonly string[], options: DriveOptions = {}): Promise<Container> {
  const { nofile, ...rest } = options;
  return run({ ...rest, binds: [folder], entrypoint: [...limited(nofile), ...command(start, ...words)] });
}

export interface DriveOptions extends RunOptions {
  /** SOFT:HARD, the limit it is given. */
  nofile?: string;
}

const limited = (nofile: string | undefined) => (nofile === undefined ? [] : ["prlimit", `--nofile=${nofile}`]);

/** The driver below a shell, so that it is not PID 1; the shell says `code N` at its end. */
export function driveBelow(start: Start, words: readonly string[], options: DriveOptions = {}): Promise<Container> {
  const { nofile, ...rest } = options;
  const shell = ["sh", "-c", '"$@"; echo code $?', "sh", ...command(start, ...words)];
  return run({ ...rest, binds: [folder], entrypoint: [...limited(nofile), ...shell] });
}

/** What the driver has said so far; other lines of its output are left out. */
export function said(container: Container): Said[] {
  return container.stdout
    .split("\n")
    .filter((line) => line.startsWith('{"t":'))
    .map((line) => JSON.parse(line) as Said);
}

/** What was said of one kind. */
export function saidOf<T extends Said["t"]>(container: Container, kind: T): Extract<Said, { t: T }>[] {
  return said(container).filter((what): what is Extract<Said, { t: T }> => what.t === kind);
}
