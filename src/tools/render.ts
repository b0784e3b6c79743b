/** `cpctl render`: a configuration as its template gives it, neither parsed nor checked. */
import { writeFileSync } from "node:fs";
import { renderConfig } from "../config/render.ts";
import { type Environment, type EnvironmentOptions, environmentOf } from "./environment.ts";

export interface RenderOptions extends EnvironmentOptions {
  /** A path, `file://PATH`, or `-` for the text itself. */
  out: string;
}

export interface Rendered {
  code: number;
  /** For stdout; nothing is added to it. */
  bytes: Uint8Array;
  /** For stderr. */
  lines: readonly string[];
}

const REFUSED = 2;
/** sysexits(3). */
const EX_CANTCREAT = 73;

export async function render(config: string | undefined, options: RenderOptions, own: Environment): Promise<Rendered> {
  const none = new Uint8Array();
  const result = await renderConfig({ config: config ?? own.CONTAINERPILOT, env: environmentOf(options, own) });
  if (!result.ok) return { code: REFUSED, bytes: none, lines: result.problems };
  if (options.out === "-") return { code: 0, bytes: result.bytes, lines: [] };
  const path = options.out.replace(/^file:\/\//, "");
  try {
    writeFileSync(path, result.bytes);
    return { code: 0, bytes: none, lines: [] };
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    return { code: EX_CANTCREAT, bytes: none, lines: [`cpctl: ${path}: cannot be written (${reason})`] };
  }
}
