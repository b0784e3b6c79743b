/**
 * Maintenance: services are out of the catalog and probes rest, the application goes on.
 */
import type { Ms } from "../plan.ts";
import type { Id } from "./contract.ts";
import { happen, log, say } from "./facts.ts";
import { startsAtOnce } from "./install.ts";
import { pauseProbe, startProbe } from "./probes.ts";
import { withdraw } from "./services.ts";
import type { State } from "./state.ts";
import { arm, disarm } from "./timers.ts";
import { setWatches } from "./watches.ts";

/** Enters, or moves the end of the one that is on. */
export function enterMaintenance(core: State, cause: Id, length: Ms): void {
  const already = core.maintenance !== undefined;
  core.maintenance = { cause, until: core.now + length };
  arm(core, { t: "maintenanceEnds" }, core.maintenance.until, cause);
  if (already) return;
  log(core, cause, "info", "maintenanceOn");
  for (const own of core.jobs.values()) {
    own.health = "unknown";
    for (const state of own.probes) pauseProbe(core, state);
    withdraw(core, own, cause, "marking");
  }
  setWatches(core, cause);
  say(core, cause, { fact: "enterMaintenance", source: "global" });
}

export function exitMaintenance(core: State, cause: Id): void {
  if (!core.maintenance) return;
  delete core.maintenance;
  disarm(core, { t: "maintenanceEnds" });
  log(core, cause, "info", "maintenanceOff");
  for (const own of core.jobs.values()) {
    for (const state of own.probes) if (state.active) startProbe(core, own, state, cause);
    if (own.phase === "waiting" && !own.everRan && !startsAtOnce(own)) happen(core, own.job.id, cause, { t: "idle" });
    if (own.delay === "maintenance") happen(core, own.job.id, cause, { t: "release" });
  }
  setWatches(core, cause);
  say(core, cause, { fact: "exitMaintenance", source: "global" });
}
