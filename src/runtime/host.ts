import type { Pilot } from "../native/pilot.ts";
import type { Loaded } from "../plan.ts";
import type { Environment } from "./environment.ts";

/** The outcome of reading the configuration again: the new one, or what is wrong with it, a line each. */
export type Reloaded = { ok: true; loaded: Loaded; text: string } | { ok: false; problems: readonly string[] };

/** What the loop runs on. */
export interface Host {
  pilot: Pilot;
  environment: Environment;
  loaded: Loaded;
  /** What `loaded` was read from. */
  text: string;
  reload(): Promise<Reloaded>;
  /** Where the event log is also written. */
  eventsFile: string | undefined;
}
