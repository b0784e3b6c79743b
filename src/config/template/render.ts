import type { TemplateError } from "./errors.ts";
import type { Decide } from "./exec.ts";
import type { Dialect } from "./node.ts";
import type { SourceMap } from "./sourcemap.ts";
import type { Environment } from "./values.ts";

/** A rendering and where each piece of it comes from. */
export interface Rendered {
  readonly text: string;
  readonly map: SourceMap;
}

/** A result, or everything that is wrong, in the order of the text; never empty. */
export type Outcome<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly errors: readonly TemplateError[] };

export interface RenderOptions {
  readonly dialect: Dialect;
  /** Forces outcomes of conditions, for tools that want to see every branch. */
  readonly decide?: Decide;
}

/**
 * Renders a configuration text, or a word of a 2.x command line, over the environment, in the language of Go 1.25's
 * text/template; the originals were built with Go 1.8 and 1.9, whose language is a part of that. A text without actions is its
 * own rendering, and then nothing of the engine is loaded; otherwise the engine is, and of its rarely used parts those
 * that the template calls.
 */
export async function render(text: string, env: Environment, options: RenderOptions): Promise<Outcome<Rendered>> {
  if (!text.includes("{{")) return { ok: true, text, map: unchanged };
  const { execute, loadParts, parseTemplate } = await import("./template.ts");
  const parsed = parseTemplate(text, options);
  if (!parsed.ok) return parsed;
  return execute(parsed.template, env, { ...options, parts: await loadParts(parsed.template) });
}

/** The map of a text without actions. */
const unchanged: SourceMap = {
  at: (rendered) => ({ kind: "text", sourceOffset: rendered, variables: [], branches: [] }),
  silent: () => [],
};
