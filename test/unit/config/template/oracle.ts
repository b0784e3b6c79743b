import { InvalidTemplateError, parse, TemplatingError } from "@evertdespiegeleer/go-template";
import { encodeBytes } from "../../../../src/config/template/bytes.ts";
import type { Outcome, Rendered } from "../../../../src/config/template/render.ts";

/** What became of a template: its rendering, or the stage at which it was refused. */
export type Answer = { readonly text: string } | { readonly refused: "parse" | "execute"; readonly why: string };

/** Go 1.25's own engine, compiled to WebAssembly; without ContainerPilot's functions, and a missing key is an error. */
export async function askGo(template: string, env: Readonly<Record<string, string>>): Promise<Answer> {
  try {
    // Its data has another type than the originals', and error forms of printf name it.
    return { text: (await parse(template, env)).replaceAll("map[string]interface {}", "config.Environment") };
  } catch (error) {
    if (error instanceof InvalidTemplateError) return { refused: "parse", why: error.message };
    if (error instanceof TemplatingError) return { refused: "execute", why: error.message };
    throw error;
  }
}

/** Our answer in the same form; bytes that are not UTF-8 come back from WebAssembly as U+FFFD. */
export function ourAnswer(outcome: Outcome<Rendered>): Answer {
  if (outcome.ok) return { text: Buffer.from(encodeBytes(outcome.text)).toString() };
  const first = outcome.errors[0]!;
  return { refused: first.stage, why: `${first.code}: ${first.message}` };
}

/** The part of an answer that must agree: texts differ in wording between us and Go. */
export const verdict = (answer: Answer): string =>
  "text" in answer ? `text ${JSON.stringify(answer.text)}` : `refused ${answer.refused}`;
