/**
 * What the catalog shall say of a job's services: wishes, withdrawn and made again; the catalog layer reconciles.
 */
import type { Status } from "../plan.ts";
import type { Id } from "./contract.ts";
import { emit, happen, log } from "./facts.ts";
import type { JobState, ServiceState, State } from "./state.ts";
import { arm, disarm } from "./timers.ts";

/**
 * Wishes a status, or wishes it again: the repetition is the heartbeat. Nothing is announced in maintenance or of a job that
 * stops; a wish for a service that is being withdrawn is made when that is over.
 */
export function announce(core: State, own: JobState, service: ServiceState, status: Status, cause: Id): void {
  if (core.maintenance || own.phase === "stopping" || own.phase === "done") return;
  service.want = status;
  if (service.withdrawing) return;
  emit(core, cause, { t: "announce", service: service.id, attempt: ++service.attempt, status });
}

/** The catalog has forgotten it, or its definition has changed: the same wish again. */
export function announceAgain(core: State, own: JobState, service: ServiceState, cause: Id): void {
  delete service.told;
  if (service.want) announce(core, own, service, service.want, cause);
}

export function announced(core: State, service: ServiceState, attempt: number, ok: boolean, cause: Id): void {
  if (attempt !== service.attempt || !service.want || !ok) return;
  if (!service.told) log(core, cause, "info", "registered", { service: service.id });
  service.told = service.want;
}

/** Takes a job's services out of the catalog, as far as they were ever wished; waited for until `max` has passed. */
export function withdraw(
  core: State,
  own: JobState,
  cause: Id,
  code: "deregistering" | "marking",
  max = own.job.stop.withdrawMax,
): void {
  let any = false;
  for (const { service } of own.probes) {
    if (!service?.want && !service?.perhaps) continue;
    delete service.want;
    delete service.perhaps;
    delete service.told;
    if (!service.withdrawing) core.withdrawing++;
    service.withdrawing = true;
    any = true;
    log(core, cause, "info", code, { service: service.id });
    emit(core, cause, { t: "withdraw", service: service.id });
  }
  if (any)
    arm(core, { t: "withdrawMax", of: own.job.id }, core.now + (core.stop && core.catalogHangs ? 0 : max), cause);
}

export function isWithdrawing(own: JobState): boolean {
  return own.probes.some((state) => state.service?.withdrawing);
}

/** A withdrawal is over, well or not; a wish that came meanwhile is made now. */
export function withdrawn(core: State, own: JobState, service: ServiceState, cause: Id, hangs = false): void {
  core.catalogHangs = hangs;
  service.withdrawing = false;
  core.withdrawing--;
  core.dirty = true;
  if (!isWithdrawing(own)) {
    disarm(core, { t: "withdrawMax", of: own.job.id });
    happen(core, own.job.id, cause, { t: "withdrawn" });
  }
  announceAgain(core, own, service, cause);
}

/** The timer `withdrawMax`: the catalog does not answer. */
export function giveUpWithdrawing(core: State, own: JobState, cause: Id): void {
  for (const { service } of own.probes) {
    if (!service?.withdrawing) continue;
    log(core, cause, "warn", "withdrawGaveUp", { service: service.id });
    withdrawn(core, own, service, cause, true);
  }
}
