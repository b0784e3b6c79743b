/** How everything is just now, for a person who asks. */
import type { JobId, Ms, ServiceId, Status, WatchId } from "../plan.ts";
import type { Health, RunId } from "./contract.ts";
import { healthOf } from "./explain.ts";
import type { JobState, Past, Phase, State } from "./state.ts";

export interface JobView {
  id: JobId;
  phase: Phase;
  health: Health;
  /** How long it has been in this phase. */
  for: Ms;
  run?: RunId;
  /** The end of its last run. */
  last?: Pick<Past, "how" | "errno">;
  /** What the catalog has confirmed; nothing yet, or not any more: undefined. */
  services: readonly { id: ServiceId; status: Status | undefined }[];
}

export interface Overview {
  life: State["life"];
  maintenance: boolean;
  jobs: readonly JobView[];
  watches: readonly { id: WatchId; count: number }[];
}

export function overviewOf(core: State, now: Ms): Overview {
  return {
    life: core.life,
    maintenance: core.maintenance !== undefined,
    jobs: [...core.jobs.values()].map((own) => viewOf(core, own, now)),
    watches: [...core.watches.values()].map(({ watch, count }) => ({ id: watch.id, count })),
  };
}

function viewOf(core: State, own: JobState, now: Ms): JobView {
  const { job, phase, since, run, past, probes } = own;
  const last = past.at(-1);
  return {
    id: job.id,
    phase,
    health: healthOf(core, job.id),
    for: now - since,
    ...(run !== undefined && { run }),
    ...(last && { last: { how: last.how, ...(last.errno !== undefined && { errno: last.errno }) } }),
    services: probes.flatMap(({ service }) => (service ? { id: service.id, status: service.told } : [])),
  };
}
