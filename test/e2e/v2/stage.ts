/** What the tests of ContainerPilot 2's configurations share. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { type Container, fixture, type Server, writeFiles } from "../harness.ts";

export const sh = (script: string): string[] => ["sh", "-c", script];

/** Says `ready`, then `got TERM` when it is asked to end, with 3. Costs nothing while it waits. */
export const app: string[] = [fixture("traps-term-exits-3")];

/** A configuration that needs nothing beside it. */
export const bare = { directory: "catalog" };

export const web = { name: "web", port: 8000, poll: 1, ttl: 5, interfaces: "static:10.1.2.3" };

/** Looks again until it holds. */
export const soon = (look: () => Promise<void> | void, timeout = 15_000): Promise<void> =>
  vi.waitFor(look, { timeout, interval: 50 });

/** The instances in the directory catalog of a container, by file name. */
export function catalogOf({ folder }: Container): Record<string, { address: string; port: number; status: string }> {
  const names = readdirSync(join(folder, "catalog")).filter((name) => !name.startsWith("."));
  return Object.fromEntries(
    names.map((name) => [name, JSON.parse(readFileSync(join(folder, "catalog", name), "utf8"))]),
  );
}

/** How often the pattern occurs in what the container said so far. */
export const times = ({ output }: Container, pattern: RegExp): number => [...output.matchAll(pattern)].length;

/** Has the configuration read again; settles when it is in force, or refused. */
export async function reload(box: Container, config?: unknown): Promise<void> {
  const said = box.output.length;
  if (config !== undefined) {
    writeFiles(box.folder, { "config.json": typeof config === "string" ? config : JSON.stringify(config) });
  }
  box.signal("SIGHUP");
  await soon(() => expect(box.output.slice(said)).toMatch(/Configuration reloaded|stays in force/));
}

/** What PID 1 holds: its descriptors by what they lead to, and the names of its processes. */
export async function holdings(box: Container): Promise<{ descriptors: number; processes: string[] }> {
  const folder = `/proc/${box.pid}/fd`;
  const open = readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(join(folder, fd)) !== "";
    } catch {
      return false;
    }
  });
  return { descriptors: open.length, processes: (await box.processes()).map(({ name }) => name).sort() };
}

export interface ConsulRow {
  Service: { ID: string; Address: string; Port: number; Tags: string[] | null; EnableTagOverride: boolean };
  Checks: { CheckID: string; Status: string; Output: string }[];
}

/** The instances of a service that Consul calls passing. */
export const passing = (consul: Server, name: string): Promise<ConsulRow[]> =>
  consul.json<ConsulRow[]>(`/v1/health/service/${name}?passing=1`);
