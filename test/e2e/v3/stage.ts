/** What the tests of ContainerPilot 3's configurations share. */
import { expect } from "vitest";
import { type Container, type RunOptions, run, writeFiles } from "../harness.ts";
import { soon } from "../v2/stage.ts";

export const FILE = "containerpilot.json5";

const textOf = (config: unknown): string => (typeof config === "string" ? config : JSON.stringify(config));

/** A container under a configuration that is given by its path, as ContainerPilot 3 takes it. */
export function start(config: unknown, { files, flags = [], ...rest }: RunOptions = {}): Promise<Container> {
  return run({
    files: { ...files, [FILE]: textOf(config) },
    flags: ["-config", FILE, ...flags],
    timeoutMs: 60_000,
    ...rest,
  });
}

/** Needs nothing beside it, and reads its configuration again at HUP, goes into maintenance and back at USR1. */
export const bare = { directory: "catalog", signals: { SIGHUP: "reload", SIGUSR1: "maintenance" } };

/** Says `up`, and does not hear TERM. */
export const deaf: string[] = ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"];

/** Says `up`, costs nothing while it waits, and ends at TERM. */
export const steady: string[] = ["sh", "-c", "echo up; exec sleep 600"];

/** Has the configuration read again; settles when it is in force, or refused. */
export async function reload(box: Container, config?: unknown): Promise<void> {
  const said = box.output.length;
  if (config !== undefined) writeFiles(box.folder, { [FILE]: textOf(config) });
  box.signal("SIGHUP");
  await soon(() => expect(box.output.slice(said)).toMatch(/Configuration reloaded|stays in force/), 30_000);
}
