/** Templates in the configuration and in the application's words. The engine itself is loaded where there is something to render. */
import type { Problems } from "./problems.ts";
import type { TemplateError } from "./template/errors.ts";
import { type Rendered, render } from "./template/render.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Renders a configuration. Which dialect it is shows only afterwards, in its keys, so the functions of both are known here
 * and `checkFunctions` refuses later what ContainerPilot 2 does not have.
 */
export async function renderText(text: string, env: Environment, problems: Problems): Promise<Rendered | undefined> {
  const outcome = await render(text, env, { dialect: "v3" });
  if (outcome.ok) return outcome;
  addErrors(outcome.errors, problems);
  return undefined;
}

/** Refuses functions that only ContainerPilot 3's templates have. */
export async function checkFunctions(text: string, problems: Problems): Promise<void> {
  if (!text.includes("{{") || !/\b(env|loop)\b/.test(text)) return;
  const { parseTemplate } = await import("./template/template.ts");
  const outcome = parseTemplate(text, { dialect: "v2" });
  if (!outcome.ok) addErrors(outcome.errors, problems);
}

/** Renders one word of the command line; rejects with the reason. */
export async function renderWord(word: string, env: Environment): Promise<string> {
  const outcome = await render(word, env, { dialect: "v2" });
  if (outcome.ok) return outcome.text;
  throw new Error(outcome.errors[0]?.message ?? "");
}

function addErrors(errors: readonly TemplateError[], problems: Problems): void {
  for (const { at, message, allowed, action } of errors) {
    problems.error("template", [], { sourceOffset: at, about: { message, allowed, action: action.text } });
  }
}
