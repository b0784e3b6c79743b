import { actionAround, Fault, toError } from "./errors.ts";
import { type Decide, Execution } from "./exec.ts";
import type { Parts } from "./funcs.ts";
import type { Dialect, Needs, Template } from "./node.ts";
import { Parser } from "./parse.ts";
import type { Outcome, Rendered } from "./render.ts";
import type { Environment } from "./values.ts";

interface ExecuteOptions {
  /** The parts that the template needs; see loadParts. */
  readonly parts?: Parts;
  /** Forces outcomes of conditions, for tools that want to see every branch. */
  readonly decide?: Decide;
}

/** Parses a configuration text (or one word of a command line) as a Go text/template with the dialect's functions. */
export function parseTemplate(
  text: string,
  { dialect }: { readonly dialect: Dialect },
): Outcome<{ template: Template }> {
  const result = new Parser(text, dialect).parse();
  return Array.isArray(result) ? { ok: false, errors: result } : { ok: true, template: result };
}

/**
 * Executes a template over the environment; a variable that is not set counts as empty. What was rendered before an
 * error is discarded. Throws only where a part that `template.needs` names is missing, which is the caller's mistake.
 */
export function execute(template: Template, env: Environment, options: ExecuteOptions = {}): Outcome<Rendered> {
  const parts = options.parts ?? {};
  for (const part of Object.keys(template.needs) as (keyof Needs)[]) {
    if (template.needs[part] && !parts[part]) throw new TypeError(`execute needs the part ${part}`);
  }
  const execution = new Execution(template, env, parts, options.decide);
  try {
    return { ok: true, ...execution.run() };
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    const { start, end } = execution.action;
    const { text } = template;
    const action = end > start ? { start, end, text: text.slice(start, end) } : actionAround(text, fault.at);
    return { ok: false, errors: [toError(fault, "execute", action)] };
  }
}

/** Loads what a template needs beyond the engine itself; nothing for most. */
export async function loadParts({ needs }: Template): Promise<Parts> {
  return {
    more: needs.more ? (await import("./more.ts")).moreFunctions : undefined,
    regex: needs.regex ? (await import("./regex.ts")).regex : undefined,
  };
}
