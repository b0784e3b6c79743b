import { readFileSync } from "node:fs";
import type { JobId, Loaded } from "../plan.ts";

/** Between two counts. */
const LOOK_MS = 200;
/** IPv4, and IPv6 with IPv4-mapped addresses: see proc_net_tcp in the kernel's documentation. */
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"] as const;
const ESTABLISHED = "01";

/** Counts the connections of jobs that drain, until told to stop. */
export class Drains {
  readonly #told: (job: JobId, open: number) => void;
  readonly #ports = new Map<JobId, ReadonlySet<number>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(told: (job: JobId, open: number) => void) {
    this.#told = told;
  }

  /** From now on, or no longer, a job's connections are counted: those that others have to its services' ports. */
  count({ job, on }: { job: JobId; on: boolean }, loaded: Loaded): void {
    if (on) {
      this.#ports.set(job, new Set(portsOf(job, loaded)));
      this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
      setImmediate(() => this.#look());
      return;
    }
    this.#ports.delete(job);
    if (this.#ports.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (this.#ports.size === 0) return;
    const open = establishedPorts(TABLES.map(read).join(""));
    for (const [job, ports] of [...this.#ports]) this.#told(job, open.filter((port) => ports.has(port)).length);
  }
}

/** The ports of a job's services. */
function portsOf(job: JobId, { plan, deeds }: Loaded): number[] {
  const probes = plan.jobs.find(({ id }) => id === job)?.probes ?? [];
  return probes.flatMap(({ service }) => deeds.services[service?.id ?? ""]?.port ?? []);
}

/** The local port of each established connection in the kernel's tables. */
export function establishedPorts(tables: string): number[] {
  return tables.split("\n").flatMap((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    return state === ESTABLISHED ? [Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16)] : [];
  });
}

/** Without /proc nothing is known to be open, and nothing is waited for. */
function read(table: string): string {
  try {
    return readFileSync(table, "latin1");
  } catch {
    return "";
  }
}
