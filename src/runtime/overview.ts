/** The document that the control socket gives under /status: what runs, for people and scripts. */
import type { Core, Ended } from "../core/contract.ts";
import type { JobView } from "../core/overview.ts";
import type { Deeds } from "../plan.ts";
import { now } from "./clock.ts";
import type { Processes } from "./processes.ts";
import { signalName } from "./signals.ts";

/** What it is made from. */
export interface Sight {
  /** undefined: still starting. */
  core: Core | undefined;
  deeds: Deeds;
  processes: Processes;
}

export interface Document {
  state: "starting" | "running" | "stopping";
  maintenance: boolean;
  jobs: readonly JobLine[];
  services: readonly { name: string; id: string; address: string; port: number; status: string }[];
  watches: readonly { name: string; instances: number }[];
}

export interface JobLine {
  name: string;
  /** waiting, delayed (before a restart), running, lingering (its group outlives it), stopping or done. */
  state: string;
  health: string;
  /** In this state. */
  seconds: number;
  pid?: number;
  /** How its last run ended: `code 1`, `SIGKILL`, `ENOENT`. */
  lastEnd?: string;
}

export function documentOf({ core, deeds, processes }: Sight): Document {
  if (core === undefined) return { state: "starting", maintenance: false, jobs: [], services: [], watches: [] };
  const { life, maintenance, jobs, watches } = core.overview(now());
  return {
    state: life === "running" ? "running" : "stopping",
    maintenance,
    jobs: jobs.map((job) => lineOf(job, processes)),
    services: jobs.flatMap(({ services }) =>
      services.flatMap(({ id, status = "not registered" }) => {
        const service = deeds.services[id];
        return service ? { name: service.name, id, address: service.address, port: service.port, status } : [];
      }),
    ),
    watches: watches.map(({ id, count }) => ({ name: deeds.watches[id]?.name ?? id, instances: count })),
  };
}

function lineOf({ id, phase, health, for: ms, run, last }: JobView, processes: Processes): JobLine {
  const pid = run === undefined ? undefined : processes.record(run)?.pid;
  return {
    name: id,
    state: phase,
    health,
    seconds: Math.floor(ms / 1000),
    ...(pid !== undefined && { pid }),
    ...(last && { lastEnd: last.errno ?? endOf(last.how) }),
  };
}

function endOf(how: Ended): string {
  return "code" in how ? `code ${how.code}` : signalName(how.signal);
}
