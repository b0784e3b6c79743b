/** What went wrong, as a closed set; the message says it in words. */
type TemplateErrorCode =
  /** Characters or words that the grammar does not allow at this place. */
  | "syntax"
  /** `{{` without `}}`, `{{/*` without `*` `/`, a quote or a parenthesis that is never closed. */
  | "unclosed"
  /** `if`, `with`, `range`, `define` or `block` without `end`. */
  | "missing-end"
  | "undefined-function"
  | "undefined-variable"
  | "duplicate-template"
  /** Wrong number or type of arguments of a function, or an argument for something that is no function. */
  | "arguments"
  /** A field of a value that has none. */
  | "field"
  /** A function refused its arguments: index out of range, incomparable types, malformed regular expression. */
  | "call"
  /** `range` over something that is no list, map or integer. */
  | "range"
  | "undefined-template"
  /** One of the bounds in limits.ts. */
  | "limit";

/**
 * A fault of a template. Offsets are UTF-16 code units in the template's text.
 * `stage` is Go's distinction: a template that does not parse, or one that parses and fails while it is executed.
 */
export interface TemplateError {
  readonly stage: "parse" | "execute";
  readonly code: TemplateErrorCode;
  /** Where exactly, inside `action`. */
  readonly at: number;
  /** The whole action, delimiters included; of an unclosed one its first line. */
  readonly action: { readonly start: number; readonly end: number; readonly text: string };
  /** One sentence without position, no full stop at the end. */
  readonly message: string;
  /** What could stand there instead, for hints on misspelt names. */
  readonly allowed?: readonly string[];
}

/** Carries a fault to the entry point of parser or executor, which turns it into a TemplateError. Never leaves them. */
export class Fault extends Error {
  readonly code: TemplateErrorCode;
  readonly at: number;
  readonly allowed: readonly string[] | undefined;

  constructor(code: TemplateErrorCode, at: number, message: string, allowed?: readonly string[]) {
    super(message);
    this.code = code;
    this.at = at;
    this.allowed = allowed;
  }
}

/** What a function of a template throws where Go's returns an error; the executor adds where it happened. */
export class Refusal extends Error {}

/** The action that `at` lies in; when the text has no action there, the rest of the line. */
export function actionAround(text: string, at: number): TemplateError["action"] {
  const opened = text.lastIndexOf("{{", at);
  const start = opened < 0 || text.slice(opened, at).includes("}}") ? at : opened;
  const closed = text.indexOf("}}", at);
  const next = text.indexOf("{{", start + 2);
  const line = text.indexOf("\n", at);
  const lineEnd = line < 0 ? text.length : line;
  const end = closed < 0 || (next >= 0 && next < closed) ? Math.max(lineEnd, start) : closed + 2;
  return { start, end, text: text.slice(start, end) };
}

/** The fault as data. */
export function toError(fault: Fault, stage: TemplateError["stage"], action: TemplateError["action"]): TemplateError {
  const { code, at, message, allowed } = fault;
  return { stage, code, at, action, message, ...(allowed && { allowed }) };
}
