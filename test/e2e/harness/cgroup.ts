import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

let made = 0;

/** A control group of a test's own. */
export interface Cgroup {
  folder: string;
  /** Takes it away, which the kernel allows some moments after its last process has gone. */
  remove(): Promise<void>;
}

/** Where a controller is mounted, and whether by version 2, or undefined where this machine has neither. */
function hierarchy(controller: string): { folder: string; version: 1 | 2 } | undefined {
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "));
  const first = mounts.find(([, , type, options]) => type === "cgroup" && options?.split(",").includes(controller));
  if (first?.[1] !== undefined) return { folder: first[1], version: 1 };
  const second = mounts.find(([, , type]) => type === "cgroup2");
  if (second?.[1] === undefined) return undefined;
  const controllers = readFileSync(join(second[1], "cgroup.controllers"), "utf8").trim().split(" ");
  return controllers.includes(controller) ? { folder: second[1], version: 2 } : undefined;
}

function limited(controller: string, limits: { 1: Record<string, string>; 2: Record<string, string> }): Cgroup {
  const found = hierarchy(controller);
  if (found === undefined) throw new Error(`this machine has no ${controller} cgroup`);
  const folder = join(found.folder, `containerpilot-test-${process.pid}-${++made}`);
  mkdirSync(folder);
  for (const [file, value] of Object.entries(limits[found.version])) writeFileSync(join(folder, file), value);
  return {
    folder,
    async remove() {
      for (let tries = 0; tries < 100; tries++) {
        try {
          rmdirSync(folder);
          return;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
          await sleep(20);
        }
      }
      throw new Error(`${folder} still has processes`);
    },
  };
}

/** At most so many bytes of memory; beyond them the kernel kills inside the group. */
export function memoryLimit(bytes: number): Cgroup {
  return limited("memory", {
    1: { "memory.limit_in_bytes": String(bytes) },
    2: { "memory.max": String(bytes), "memory.swap.max": "0" },
  });
}

/** At most so many processes and threads. */
export function pidsLimit(count: number): Cgroup {
  return limited("pids", { 1: { "pids.max": String(count) }, 2: { "pids.max": String(count) } });
}
