/** From text to values. Valid JSON, which most configurations are, costs no more than `JSON.parse`. */
import { isObject } from "./decode.ts";
import { DEPTH_MAX, TEXT_MAX } from "./limits.ts";
import type { Problems } from "./problems.ts";

/** Whether the text is of a size that somebody may have written. */
export function checkSize(text: string, problems: Problems): boolean {
  if (text.length <= TEXT_MAX) return true;
  problems.error("too-big", [], { about: { max: TEXT_MAX } });
  return false;
}

/** The top-level object; undefined with a problem where the text is not one. An empty document (`null`) is an empty object. */
export async function parseConfig(
  text: string,
  problems: Problems,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (!checkSize(text, problems)) return undefined;
  const value = await parse(text, problems);
  if (value === undefined) return undefined;
  if (value === null) return {};
  if (!isObject(value)) {
    problems.error("not-an-object", [], { found: value });
    return undefined;
  }
  // The other reader has the bound built in, and knows the place.
  return isDeeper(value, DEPTH_MAX) ? ((await parseAsJson5(text, problems)) as undefined) : value;
}

async function parse(text: string, problems: Problems): Promise<unknown> {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return parseAsJson5(text, problems);
  }
}

async function parseAsJson5(text: string, problems: Problems): Promise<unknown> {
  const { readJson5 } = await import("./json5.ts");
  const result = readJson5(text, DEPTH_MAX);
  if (result.ok) return result.value;
  const { fault } = result;
  const found = TOKEN.exec(text.slice(fault.offset, fault.offset + 40))?.[0];
  const extraComma = found === "," && /[,{[]\s*$/.test(text.slice(0, fault.offset));
  problems.error(fault.code, [], { offset: fault.offset, found, about: { ...fault, extraComma, max: DEPTH_MAX } });
  return undefined;
}

/** What stands at a fault, for its message: a word, a text, or one character. */
const TOKEN = /^(?:[\w$.+-]{1,32}|"[^"\n]{1,32}"|'[^'\n]{1,32}'|\S?)/u;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeper(item, levels - 1));
}
