import { readFileSync } from "node:fs";

/** Where the kernel counts its kills for lack of memory: control groups version 2, then 1 (cgroups(7)). */
const COUNTERS = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"] as const;

/** Tells a death by KILL from outside from one by the kernel's OOM killer, by the container's own counter. */
export class OomWatch {
  #last: number | undefined;

  /** Remembers where the counter stands: once, after the start, since an older kill is not one of ours. */
  begin(): void {
    this.#last = readCount();
  }

  /** The kernel has killed for lack of memory since the last call. */
  struck(): boolean {
    const before = this.#last ?? 0;
    const count = readCount();
    this.#last = count;
    return count !== undefined && count > before;
  }
}

function readCount(): number | undefined {
  for (const file of COUNTERS) {
    try {
      const match = /^oom_kill (\d+)$/m.exec(readFileSync(file, "utf8"));
      if (match !== null) return Number(match[1]);
    } catch {
      // Not this version, or not mounted: a KILL then simply counts as one from outside.
    }
  }
  return undefined;
}
