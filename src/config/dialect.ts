/** Which of the two dialects a configuration is written in: told from its keys, never from its file's name. */
import { isObject } from "./decode.ts";
import type { Problems } from "./problems.ts";
import type { Source } from "./source.ts";

export type Dialect = "v2" | "v3";

const V2_ONLY = ["services", "backends", "tasks", "coprocesses", "preStart", "onStart", "preStop", "postStop"];
const V3_ONLY = ["jobs", "watches", "control", "exit", "reload"];

/**
 * The dialect, or undefined with a problem where keys of both are there. Where the keys do not tell, a URL, inline text or
 * application words mean v2, as only it knows them, and a bare path means v3.
 */
export function dialectOf(
  config: Readonly<Record<string, unknown>>,
  source: Source,
  words: readonly string[],
  problems: Problems,
): Dialect | undefined {
  const telemetry = isObject(config.telemetry) ? Object.keys(config.telemetry) : [];
  const old = V2_ONLY.filter((key) => Object.hasOwn(config, key));
  const young = V3_ONLY.filter((key) => Object.hasOwn(config, key));
  if (old.length > 0 && young.length > 0) {
    const also = [...old.slice(1), ...young].map((key) => [key]);
    problems.error("mixed-dialects", [old[0] as string], { atKey: true, about: { v2: old, v3: young }, also });
    return undefined;
  }
  if (old.length > 0) return "v2";
  if (young.length > 0) return "v3";
  if (telemetry.includes("sensors") !== telemetry.includes("metrics")) {
    return telemetry.includes("sensors") ? "v2" : "v3";
  }
  return source.kind === "path" && words.length === 0 ? "v3" : "v2";
}
