import { loadPilot } from "../native/load.ts";
import type { Pilot } from "../native/pilot.ts";
import type { Loaded } from "../plan.ts";
import { Environment } from "./environment.ts";
import { isInstant, recollect } from "./remembered.ts";
import { Runtime } from "./runtime.ts";

/** The outcome of reading the configuration: it, or what is wrong with it (a line each) and the code to leave with. */
export type Read =
  | { ok: true; loaded: Loaded; text: string }
  | { ok: false; problems: readonly string[]; exitCode: number };

/** How a start ended that started nothing. `leave` ends the process. */
export interface Refused {
  lines: readonly string[];
  leave(): never;
}

/**
 * Takes over the signals, reads the configuration and starts the application. From here on the process leaves by the
 * runtime's effect `exit` alone.
 *
 * @param read reads the configuration with these variables as the template's data; `text`: as it was read earlier
 */
export async function start(
  given: Readonly<Record<string, string | undefined>>,
  read: (env: Record<string, string>, text?: string) => Promise<Read>,
): Promise<Refused | undefined> {
  const pilot: Pilot = loadPilot();
  // Node tells the user as well; this is for the line about the runtime that takes the place of this one.
  // biome-ignore lint/nursery/noJsRestrictedProperties: only listens, and the crash path is what it serves.
  process.on("uncaughtExceptionMonitor", (error, origin) => {
    pilot.lastWords(origin === "unhandledRejection" ? "rejection" : "throw", String(error));
  });
  const environment = new Environment(given);
  const native = pilot.boot();
  const left = recollect(native);
  environment.add(left?.environment ?? {});
  environment.set("CONTAINERPILOT_PID", String(process.pid));
  const first = await readAgain(left?.config, (text) => read(environment.record(), text));
  if (!first.ok && isInstant(native)) {
    const { undoInstantStart } = await import("./undo.ts");
    await undoInstantStart(pilot, native);
  } else if (!first.ok && native.adopted.length > 0) {
    for (const problem of first.problems) pilot.log("error", problem, []);
    pilot.park("the configuration cannot be read any more; the application goes on without it");
  }
  if (!first.ok) {
    const { writeTermination } = await import("./termination.ts");
    writeTermination(first.problems.join("\n"));
    return { lines: first.problems, leave: () => pilot.exit(first.exitCode) };
  }
  const runtime = new Runtime({
    pilot,
    environment,
    loaded: first.loaded,
    text: first.text,
    reload: () => read(environment.record()),
    eventsFile: environment.get("CONTAINERPILOT_EVENTS"),
  });
  runtime.boot();
  return undefined;
}

/** What was in force goes on, whatever the file says by now: only a reload asks for that. */
async function readAgain(text: string | undefined, read: (text?: string) => Promise<Read>): Promise<Read> {
  const kept = text === undefined ? undefined : await read(text);
  return kept?.ok ? kept : read();
}
