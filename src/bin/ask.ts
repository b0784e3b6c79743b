/** `-reload`, `-maintenance`, `-putenv`, `-putmetric`, `-ping` in Node: where there is no launcher, or it found nobody. */
import type { LoadResult } from "../config/load.ts";
import { askFirst } from "../control/client.ts";
import { likelyPlaces } from "../control/places.ts";
import { failure, type Outcome, outcomeOf, questionOf, type Verb } from "../control/questions.ts";
import type { Flags } from "./flags.ts";

/**
 * Asks where a socket usually is, and where nobody answers, at the place that the configuration names.
 *
 * @param read reads the configuration
 */
export async function ask(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
  read: () => Promise<LoadResult>,
): Promise<Outcome> {
  const { flag, verb } = verbOf(flags);
  const who = `containerpilot: -${flag}`;
  const question = questionOf(verb);
  try {
    const likely = await askFirst(likelyPlaces(env), question);
    if (likely !== undefined) return outcomeOf(who, verb, likely);
    const config = await read();
    if (!config.ok) {
      return failure(`${who}: nobody answers, and the configuration does not say where:`, ...config.problems);
    }
    const place = config.loaded.deeds.control;
    const answer = await askFirst([place], question);
    return answer === undefined ? failure(`${who}: nobody answers at ${place}`) : outcomeOf(who, verb, answer);
  } catch (error) {
    return failure(`${who}: ${error instanceof Error ? error.message : error}`);
  }
}

/** The one that counts where several are given is the original's choice. */
function verbOf({ reload, maintenance, putenv, putmetric }: Flags): { flag: string; verb: Verb } {
  if (reload) return { flag: "reload", verb: { ask: "reload" } };
  if (maintenance) return { flag: "maintenance", verb: { ask: "maintenance", on: maintenance === "enable" } };
  if (putenv.length > 0) return { flag: "putenv", verb: { ask: "environ", pairs: putenv } };
  if (putmetric.length > 0) return { flag: "putmetric", verb: { ask: "metric", pairs: putmetric } };
  return { flag: "ping", verb: { ask: "ping" } };
}
