/** `cpctl ping`, `reload`, `maintenance`, `env`, `metric`: asks the container that this runs in. */
import { askFirst } from "../control/client.ts";
import { likelyPlaces } from "../control/places.ts";
import { failure, type Outcome, outcomeOf, questionOf, type Verb } from "../control/questions.ts";

/** @param socket where to ask; without it, CONTAINERPILOT_SOCKET and the usual places */
export async function ask(
  command: string,
  verb: Verb,
  socket: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Outcome> {
  const who = `cpctl: ${command}`;
  const places = socket === undefined ? likelyPlaces(env) : [socket];
  try {
    const answer = await askFirst(places, questionOf(verb));
    if (answer !== undefined) return outcomeOf(who, verb, answer);
    return failure(
      `${who}: nobody answers at ${places.join(", ")}${socket === undefined ? "; name it with --socket" : ""}`,
    );
  } catch (error) {
    return failure(`${who}: ${error instanceof Error ? error.message : error}`);
  }
}
