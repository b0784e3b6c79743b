/** Values, actions and kinds in words. */
import type { Kind } from "./decode.ts";

/** Values are shown to this many characters. */
const SHOWN_MAX = 48;

/** A value as it was written, or what it is where it is too big to show. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return cut(text);
}

function cut(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

/** An action of a template, which may go over several lines. */
export function showAction(text: string): string {
  return cut(text.trim().replace(/\s+/g, " "));
}

/** Several in a row. */
export function list(items: readonly unknown[]): string {
  return items.map(String).join(", ");
}

const SPAN_BOUNDS: Readonly<Record<string, string>> = { 0: ", not negative", 1: ", from 1ms on" };

/** What a key may hold. */
export function kindWords(kind: Kind): string {
  switch (kind.t) {
    case "int":
      return kind.min === undefined ? "a whole number" : `a whole number from ${kind.min} on`;
    case "text":
      return kind.words ? `one of ${list(kind.words)}` : "a text";
    case "bool":
      return "true or false";
    case "texts":
      return 'a list of texts, such as ["a", "b"]';
    case "oneOrMore":
      return kind.listOnly ? 'a list of texts, such as ["a", "b"]' : "a text or a list of texts";
    case "command":
      return "a command: a text, or a list of words";
    case "span":
      if (kind.unit) return 'a duration with its unit, such as "90s" or "10m"';
      return `a duration such as "1500ms" or "1m30s", or seconds${SPAN_BOUNDS[kind.min ?? ""] ?? ""}`;
    case "restarts":
      return 'a whole number from 0 on, "unlimited" or "never"';
    case "map":
    case "signals":
    case "codes":
      return "an object";
    case "list":
      return "a list of objects";
    case "textOrMap":
      return "a text or an object";
    case "falseOrMap":
      return "false or an object";
    case "ignored":
      return "nothing";
    default:
      return kind satisfies never;
  }
}
