import type { Boot, NativeEvent, Pilot } from "../native/pilot.ts";
import { SIGKILL } from "./signals.ts";

const SIGTERM = 15;
/** How often is looked whether anything is left. */
const LOOK_MS = 20;

/**
 * The launcher has started the application of a configuration that turns out to be wrong: it is stopped with its grace, and so is
 * whatever else there is. Resolves when nothing is left, or everything was killed.
 */
export async function undoInstantStart(pilot: Pilot, { instant }: Pick<Boot, "instant">): Promise<void> {
  const { run, graceMs } = instant;
  const application = end(pilot, run);
  pilot.signal(run, SIGTERM, "process");
  if (!(await application.within(graceMs))) {
    pilot.signal(run, SIGKILL, "group");
    await application.within(Number.POSITIVE_INFINITY);
  }
  pilot.sweep(SIGTERM);
  for (let waited = 0; waited < graceMs && pilot.sweep(0) > 0; waited += LOOK_MS) await pause(LOOK_MS);
  pilot.sweep(SIGKILL);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The end of a run; `within` resolves with whether it has come by then. */
function end(pilot: Pilot, run: number): { within(ms: number): Promise<boolean> } {
  let ended: () => void;
  const exited = new Promise<true>((resolve) => {
    ended = () => resolve(true);
  });
  const drain = (): void => {
    if (pilot.drain().some((event: NativeEvent) => event.t === "exited" && event.run === run)) ended();
  };
  pilot.start(drain);
  drain();
  return {
    within: (ms) => (Number.isFinite(ms) ? Promise.race([exited, pause(ms).then(() => false)]) : exited),
  };
}
