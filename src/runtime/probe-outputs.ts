import type { Plan, ProbeId, ServiceId } from "../plan.ts";

/** Longest piece of a probe's output that goes to the catalog. */
const OUTPUT_MAX = 1024;

/** What the last run of each probe said, for the service that it speaks of. */
export class ProbeOutputs {
  readonly #said = new Map<ProbeId, string>();
  #probeOf = new Map<ServiceId, ProbeId>();

  use(plan: Plan): void {
    this.#probeOf = new Map();
    for (const job of plan.jobs) {
      for (const { id, service } of job.probes) if (service !== undefined) this.#probeOf.set(service.id, id);
    }
  }

  keep(probe: ProbeId, output: string): void {
    this.#said.set(probe, output.slice(-OUTPUT_MAX));
  }

  /** The words for the catalog. */
  of(service: ServiceId, passing: boolean): string {
    return passing ? "ok" : (this.#said.get(this.#probeOf.get(service) ?? "") ?? "");
  }
}
