/** What the tests of instant start share: configurations that were compiled, and a runtime that is slow to come. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { compile } from "../../../src/tools/compile.ts";
import { type Container, fixture, type RunOptions, run, tempFolder, writeFiles } from "../harness.ts";

/** A configuration with its boot file beside it. */
export interface Compiled {
  folder: string;
  config: string;
  boot: string;
}

export async function compiled(config: unknown, env: Readonly<Record<string, string>> = {}): Promise<Compiled> {
  const folder = tempFolder();
  const path = join(folder, "config.json");
  writeFiles(folder, { "config.json": typeof config === "string" ? config : JSON.stringify(config) });
  const options = { envFile: [], env: [], inherit: true, out: undefined, strict: true, colour: false };
  const { code, text } = await compile(path, options, env);
  expect(code, text).toBe(0);
  return { folder, config: path, boot: `${path}.boot` };
}

/** A container that is given it. */
export function start({ folder, config }: Compiled, options: RunOptions): Promise<Container> {
  const flags = [...(options.flags ?? []), "-config", `file://${config}`];
  return run({ ...options, flags, binds: [folder, ...(options.binds ?? [])] });
}

/** The same, and the runtime is held while it boots, until `release`. */
export function startHeld(image: Compiled, options: RunOptions): Promise<Container> {
  return start(image, {
    ...options,
    env: { NODE_OPTIONS: `--require=${fixture("waits-for-go.cjs")}`, ...options.env },
  });
}

export function release({ folder }: Container): void {
  writeFileSync(join(folder, "go"), "");
}
