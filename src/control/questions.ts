/** What can be asked over the control socket, and what the answer means to whoever asked. */
import type { Answered, Question } from "./client.ts";

/** `pairs`: NAME=VALUE each, cut at the first `=`; the last of one name counts. */
export type Verb =
  | { ask: "ping" }
  | { ask: "reload" }
  | { ask: "status" }
  | { ask: "maintenance"; on: boolean }
  | { ask: "environ" | "metric"; pairs: readonly string[] };

/** The code to leave with, and what to say on stdout and stderr. */
export interface Outcome {
  code: 0 | 1;
  out: string;
  lines: readonly string[];
}

export function questionOf(verb: Verb): Question {
  switch (verb.ask) {
    case "ping":
      return { method: "GET", path: "/v3/ping" };
    case "status":
      return { method: "GET", path: "/status" };
    case "reload":
      return { method: "POST", path: "/v3/reload" };
    case "maintenance":
      return { method: "POST", path: `/v3/maintenance/${verb.on ? "enable" : "disable"}` };
    case "environ":
    case "metric":
      return { method: "POST", path: `/v3/${verb.ask}`, body: objectOf(verb.pairs) };
    default:
      return verb satisfies never;
  }
}

function objectOf(pairs: readonly string[]): string {
  const entries = pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]);
  return JSON.stringify(Object.fromEntries(entries));
}

/** `who` begins each line, such as `containerpilot: -reload`. */
export function outcomeOf(who: string, { ask }: Verb, { code, lines }: Answered): Outcome {
  if (code === 200 && ask === "status") return { code: 0, out: `${lines[0]}\n`, lines: [] };
  if (code === 200) return { code: 0, out: ask === "ping" ? "ok\n" : "", lines: [] };
  const [status = "", ...more] = lines;
  return failure(`${who} was refused: ${code} ${status}`.trimEnd(), ...more);
}

export function failure(...lines: readonly string[]): Outcome {
  return { code: 1, out: "", lines };
}
