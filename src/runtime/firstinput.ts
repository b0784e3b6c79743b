import type { Adopted, LogLevel, NativeEvent, Pilot } from "../native/pilot.ts";
import type { Plan } from "../plan.ts";
import type { Unnumbered } from "./processes.ts";
import { isInstant, recollect } from "./remembered.ts";

export type BootInput = Extract<Unnumbered, { t: "boot" }>;

const PRELOAD_REFUSED =
  "Node's file has capabilities, so nothing can be preloaded into it: signals that come while it starts may be lost";

/**
 * Boots the native half and says what the core begins with: the children of an earlier runtime (`adopted`); else a stop
 * that came while Node started, which keeps everything from being started. `early`: what else came meanwhile.
 */
export function firstInput(
  pilot: Pilot,
  plan: Plan,
  adopted: readonly Adopted[],
  say: (level: LogLevel, text: string) => void,
): { boot: BootInput; early: readonly NativeEvent[] } {
  const native = pilot.boot();
  const { preloadRefused, rebirths, lastRun, instant } = native;
  const reborn = rebirths.count > 0;
  const left = recollect(native);
  if (preloadRefused) say("warn", PRELOAD_REFUSED);
  if (instant.whyNot !== "") say("debug", `No instant start: ${instant.whyNot}`);
  else if (instant.run !== 0 && !reborn) say("debug", "The launcher has started the application");
  const events = pilot.drain();
  const stop = reborn || adopted.length > 0 ? undefined : events.find((event) => stops(plan, event));
  const boot: BootInput = {
    t: "boot",
    plan,
    seed: Date.now() % 2 ** 31,
    adopted: adopted.map((child) => ({ run: child.run, job: child.job, pid: child.pid, age: child.ageMs })),
    ...(isInstant(native) && { instant: true }),
    ...(reborn && {
      rebirth: {
        count: rebirths.count,
        cause: rebirths.cause ?? "unknown",
        lastRun,
        shift: left?.shift ?? 0,
        // Revisions are counted from what was seen: without it they begin anew.
        ...(left && { memory: left.seen ? left.core : { ...left.core, watches: {} } }),
      },
    }),
    ...(stop?.t === "signal" && { stop: { signo: stop.signo, pid: stop.pid, uid: stop.uid } }),
  };
  return { boot, early: events.filter((event) => event !== stop) };
}

function stops(plan: Plan, event: NativeEvent): boolean {
  return event.t === "signal" && plan.signals[event.signo] === "stop";
}
