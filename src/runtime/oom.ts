import { readFileSync } from "node:fs";

const ROOT = "/sys/fs/cgroup";

/** Tells a death by KILL from outside from one by the kernel's OOM killer, by the container's own counter. */
export class OomWatch {
  #file: string | undefined;
  #last: number | undefined;

  /** Remembers where the counter stands: once, after the start, since an older kill is not one of ours. */
  begin(): void {
    this.#last = this.#read();
  }

  /** The kernel has killed for lack of memory since the last call. */
  struck(): boolean {
    const before = this.#last ?? 0;
    const count = this.#read();
    this.#last = count;
    return count !== undefined && count > before;
  }

  #read(): number | undefined {
    this.#file ??= counters().find((file) => readCount(file) !== undefined);
    return this.#file === undefined ? undefined : readCount(this.#file);
  }
}

/**
 * Where the kernel counts its kills for lack of memory (cgroups(7)): in the group of this process, and, where the runtime
 * has mounted only that, at the top.
 */
function counters(): string[] {
  const own = read("/proc/self/cgroup") ?? "";
  const second = /^0::(\/.*)$/m.exec(own)?.[1];
  const first = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m.exec(own)?.[1];
  return [
    ...(first === undefined ? [] : [`${ROOT}/memory${first}/memory.oom_control`]),
    ...(second === undefined ? [] : [`${ROOT}${second}/memory.events`, `${ROOT}/unified${second}/memory.events`]),
    `${ROOT}/memory.events`,
    `${ROOT}/memory/memory.oom_control`,
  ];
}

function readCount(file: string): number | undefined {
  const match = /^oom_kill (\d+)$/m.exec(read(file) ?? "");
  return match === null ? undefined : Number(match[1]);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Not this version, or not mounted: a KILL then simply counts as one from outside.
    return undefined;
  }
}
