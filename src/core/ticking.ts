/**
 * Intervals: a period that keeps its phase, or a calendar that the runtime reads.
 */
import type { Ms } from "../plan.ts";
import type { Id } from "./contract.ts";
import { emit } from "./facts.ts";
import type { JobState, State } from "./state.ts";
import { arm, nextTick, random } from "./timers.ts";

/** From now on the interval comes round. */
export function beginTicking(core: State, own: JobState, cause: Id): void {
  const { every } = own.job.start;
  if (!every) return;
  own.base = core.now;
  if ("period" in every) arm(core, { t: "every", of: own.job.id }, core.now + every.period, cause);
  else emit(core, cause, { t: "cron", job: own.job.id });
}

/** The answer to `cron`: the next run is due in so many milliseconds. */
export function cronDue(core: State, own: JobState, inMs: Ms, cause: Id): void {
  const { every } = own.job.start;
  if (!every || "period" in every || own.phase === "done" || own.phase === "stopping") return;
  arm(core, { t: "every", of: own.job.id }, core.now + inMs + Math.floor(random(core) * every.jitter), cause);
}

/**
 * An interval has come round: whether it starts the job. Each tick uses up a restart, as ContainerPilot 3 counts them; the
 * one that finds none left is the end (`ticksOver`). In maintenance a job that it pauses lets its ticks pass.
 */
export function tick(core: State, own: JobState, cause: Id): boolean {
  const { every } = own.job.start;
  if (!every || core.life !== "running") return false;
  if (own.restartsLeft <= 0) {
    own.ticksOver = true;
    return false;
  }
  if ("period" in every) {
    arm(core, { t: "every", of: own.job.id }, nextTick(own.base ?? core.now, every.period, core.now), cause);
  } else emit(core, cause, { t: "cron", job: own.job.id });
  if (core.maintenance && own.job.maintenancePauses) return false;
  own.restartsLeft--;
  return true;
}
