import type { Health } from "../core/contract.ts";
import type { Deeds, JobId } from "../plan.ts";

/** The document of ContainerPilot 3.8.0's /status: its keys in its order, an empty list being null. */
export interface StatusDocument {
  Version: string;
  Jobs: readonly { Name: string; Status: Health }[] | null;
  Services: readonly { Name: string; Address: string; Port: number; Status: Health }[] | null;
  Watches: readonly string[] | null;
}

/** A job with a service is among the services alone. `health`: undefined while nothing is known yet. */
export function statusOf({ telemetry, services }: Deeds, health: (job: JobId) => Health | undefined): StatusDocument {
  const { version = "", jobs = [], watches = [] } = telemetry?.status ?? {};
  const shown = jobs.map(({ id, name, service, always }) => ({
    Name: name,
    service: service === undefined ? undefined : services[service],
    Status: always ? ("healthy" as const) : (health(id) ?? ("unknown" as const)),
  }));
  return {
    Version: version,
    Jobs: listed(shown.flatMap(({ Name, service, Status }) => (service ? [] : [{ Name, Status }]))),
    Services: listed(
      shown.flatMap(({ Name, service, Status }) => {
        return service ? [{ Name, Address: service.address, Port: service.port, Status }] : [];
      }),
    ),
    Watches: listed(watches),
  };
}

function listed<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}
