/** Watches how near the container is to its limit of processes. Loaded once the application runs. */
import { readFileSync } from "node:fs";

const ROOT = "/sys/fs/cgroup";
const LOOK_MS = 5000;
/** Warned of at the first, and again only after it has been below the second. */
const FULL = 0.8;
const CALM = 0.7;
const KINDS_MAX = 5;

/** Looks from now on, where there is a limit; each crossing of 80 % is one warning. */
export function watchPids(warn: (text: string) => void): void {
  const folder = folders().find((candidate) => limitOf(candidate) !== undefined);
  if (folder === undefined) return;
  let warned = false;
  const look = (): void => {
    const limit = limitOf(folder);
    const used = Number(read(`${folder}/pids.current`));
    if (limit === undefined || !Number.isFinite(used)) return;
    if (used < CALM * limit) warned = false;
    if (warned || used < FULL * limit) return;
    warned = true;
    warn(
      `${used} of the ${limit} processes and threads the container may have (pids.max) are in use` +
        `${holders(folder)}; at the limit nothing can be started any more`,
    );
  };
  look();
  setInterval(look, LOOK_MS);
}

/** Where the limit may be (cgroups(7)): in the group of this process, or, where only that is mounted, at the top. */
function folders(): string[] {
  const own = read("/proc/self/cgroup") ?? "";
  const first = /^\d+:(?:[^:]*,)?pids(?:,[^:]*)?:(\/.*)$/m.exec(own)?.[1];
  const second = /^0::(\/.*)$/m.exec(own)?.[1];
  return [
    ...(first === undefined ? [] : [`${ROOT}/pids${first}`]),
    ...(second === undefined ? [] : [`${ROOT}${second}`, `${ROOT}/unified${second}`]),
    `${ROOT}/pids`,
    ROOT,
  ];
}

/** undefined: none, or `max`. */
function limitOf(folder: string): number | undefined {
  const limit = Number.parseInt(read(`${folder}/pids.max`) ?? "", 10);
  return limit > 0 ? limit : undefined;
}

/** The programs that hold most of them, with their threads; nothing where that cannot be read. */
function holders(folder: string): string {
  const counts = new Map<string, number>();
  for (const pid of (read(`${folder}/cgroup.procs`) ?? "").split("\n")) {
    const status = pid === "" ? undefined : read(`/proc/${pid}/status`);
    const name = /^Name:\t(.*)$/m.exec(status ?? "")?.[1];
    const threads = Number(/^Threads:\t(\d+)$/m.exec(status ?? "")?.[1] ?? 1);
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + threads);
  }
  const most = [...counts].toSorted((a, b) => b[1] - a[1]).slice(0, KINDS_MAX);
  return most.length === 0 ? "" : `: ${most.map(([name, count]) => `${name} ${count}`).join(", ")}`;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Not mounted, not allowed, or the process has ended: then nothing is said of it.
    return undefined;
  }
}
