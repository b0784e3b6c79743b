/** `-template`: renders the configuration and writes it; loaded only when asked for. */
import { writeFileSync } from "node:fs";
import { renderConfig } from "../config/render.ts";
import { writeAll } from "./write.ts";

const STDOUT = 1;
/** sysexits(3). */
const EX_CANTCREAT = 73;

/** The code to leave with, and what to say on stderr. */
export interface Rendered {
  code: number;
  lines: readonly string[];
}

/**
 * @param config the flag's value; without one, the environment's CONTAINERPILOT counts
 * @param out `-`, empty or absent: stdout, with no newline added. `file://PATH` (v2) or a path (v3): that file, 0644 less umask.
 */
export async function renderTo(
  config: string | undefined,
  out: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Rendered> {
  const result = await renderConfig({ config, env });
  if (!result.ok) return { code: result.exitCode, lines: result.problems };
  if (out === undefined || out === "" || out === "-") {
    writeAll(STDOUT, result.bytes);
    return { code: 0, lines: [] };
  }
  const path = out.startsWith("file://") ? out.slice("file://".length) : out;
  try {
    writeFileSync(path, result.bytes, { mode: 0o644 });
    return { code: 0, lines: [] };
  } catch (error) {
    return { code: EX_CANTCREAT, lines: [`containerpilot: -out: ${(error as Error).message}`] };
  }
}
