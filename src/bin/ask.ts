/** `-reload`, `-maintenance`, `-putenv`, `-putmetric`, `-ping` in Node: where there is no launcher, or it found nobody. */
import type { LoadResult } from "../config/load.ts";
import { type Answered, askFirst, type Question } from "../control/client.ts";
import { likelyPlaces } from "../control/places.ts";
import type { Flags } from "./flags.ts";

/** The code to leave with, and what to say on stdout and stderr. */
interface Said {
  code: 0 | 1;
  out: string;
  lines: readonly string[];
}

/**
 * Asks where a socket usually is, and where nobody answers, at the place that the configuration names.
 *
 * @param read reads the configuration
 */
export async function ask(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
  read: () => Promise<LoadResult>,
): Promise<Said> {
  const { flag, question } = questionOf(flags);
  const failed = (...lines: readonly string[]): Said => ({ code: 1, out: "", lines });
  try {
    const likely = await askFirst(likelyPlaces(env), question);
    if (likely !== undefined) return told(flag, likely);
    const config = await read();
    if (!config.ok) {
      return failed(
        `containerpilot: -${flag}: nobody answers, and the configuration does not say where:`,
        ...config.problems,
      );
    }
    const place = config.loaded.deeds.control;
    const answer = await askFirst([place], question);
    return answer === undefined ? failed(`containerpilot: -${flag}: nobody answers at ${place}`) : told(flag, answer);
  } catch (error) {
    return failed(`containerpilot: -${flag}: ${error instanceof Error ? error.message : error}`);
  }
}

function told(flag: string, { code, lines }: Answered): Said {
  if (code === 200) return { code: 0, out: flag === "ping" ? "ok\n" : "", lines: [] };
  return {
    code: 1,
    out: "",
    lines: [`containerpilot: -${flag} was refused: ${[code, ...lines.slice(0, 1)].join(" ")}`, ...lines.slice(1)],
  };
}

/** The one that counts where several are given is the original's choice. */
function questionOf({ reload, maintenance, putenv, putmetric }: Flags): { flag: string; question: Question } {
  const post = (path: string, body?: string): Question => ({
    method: "POST",
    path,
    ...(body !== undefined && { body }),
  });
  if (reload) return { flag: "reload", question: post("/v3/reload") };
  if (maintenance) return { flag: "maintenance", question: post(`/v3/maintenance/${maintenance}`) };
  if (putenv.length > 0) return { flag: "putenv", question: post("/v3/environ", objectOf(putenv)) };
  if (putmetric.length > 0) return { flag: "putmetric", question: post("/v3/metric", objectOf(putmetric)) };
  return { flag: "ping", question: { method: "GET", path: "/v3/ping" } };
}

/** NAME=VALUE each; a value may have further `=`. */
function objectOf(pairs: readonly string[]): string {
  return JSON.stringify(
    Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)])),
  );
}
