/** Problems as lines for people: `file:line:column  key.path: what was found; expected what is allowed; hint`, then the source line. */
import type { Attempt } from "./load.ts";
import { type Blamed, Locator, type Place } from "./locate.ts";
import { wordsOf } from "./messages.ts";
import type { Code, Path, Problem } from "./problems.ts";
import { showAction } from "./show.ts";
import type { VariableRead } from "./template/sourcemap.ts";

/** A problem in words, with its place. Lines and columns count from 1, columns in characters. */
export interface Told {
  level: "error" | "warning";
  code: Code;
  file: string;
  line?: number;
  column?: number;
  /** As `services[0].port`; empty for the whole text. */
  path: string;
  found: string;
  allowed?: string;
  hint?: string;
  /** The line of the source that it stands in, or what of it is near, secrets left out. */
  source?: string;
  /** The column of the place in `source`. */
  sourceColumn?: number;
}

export interface PrintOptions {
  level?: "error" | "warning";
  colour?: boolean;
  /** The source line with a caret below each problem. */
  excerpt?: boolean;
}

/** Problems that are shown of one configuration; the rest is counted. */
const TOLD_MAX = 100;

/** Characters before and behind a place that are looked at for its excerpt. */
const NEAR_MAX = 240;

/** Nothing that is shown may move a terminal's cursor. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** Widest excerpt, in columns of a terminal. */
const WIDTH_MAX = 80;

/** Variables whose values are not for logs. */
const SECRET = /pass|secret|token|key|credential|auth/i;

export function printLines(attempt: Attempt, options: PrintOptions): readonly string[] {
  const { level } = options;
  const told = tellAll(attempt, level);
  const all = attempt.problems.filter((problem) => level === undefined || problem.level === level).length;
  const lines = printTold(told, options);
  return all > told.length ? [...lines, `${attempt.source.name}  and ${all - told.length} more`] : lines;
}

/** A line each, with its excerpt; several at one place share it. */
export function printTold(told: readonly Told[], options: PrintOptions): string[] {
  return told.flatMap((one, index) => {
    const next = told[index + 1];
    const again = next && next.line === one.line && next.column === one.column;
    return toLines(one, again ? { ...options, excerpt: false } : options);
  });
}

/** All problems of a level, or of both, in the order of the text, those without a place first; `TOLD_MAX` at most. */
export function tellAll(attempt: Attempt, level?: Told["level"]): readonly Told[] {
  const locator = new Locator(attempt);
  return attempt.problems
    .filter((problem) => level === undefined || problem.level === level)
    .map((problem) => ({ problem, order: locator.order(problem) }))
    .sort((a, b) => a.order - b.order)
    .slice(0, TOLD_MAX)
    .map(({ problem }) => tell(problem, locator.placeOf(problem), attempt, locator));
}

function tell(problem: Problem, place: Place | undefined, attempt: Attempt, locator: Locator): Told {
  const secret = place?.origins.some(({ origin }) => origin.variables.some(({ name }) => SECRET.test(name)));
  const shown = secret && problem.found !== undefined ? { ...problem, found: "…" } : problem;
  const { found, allowed, hint } = wordsOf(shown, attempt.dialect ?? "v2");
  const hints = [hint, place && templateHint(place), alsoHint(problem, attempt, locator)].filter(Boolean);
  const at = place && positionOf(attempt.text, place.offset);
  return {
    level: problem.level,
    code: problem.code,
    file: attempt.source.name,
    ...(at && { line: at.line, column: at.column }),
    path: pathText(problem.path),
    found,
    ...(allowed && { allowed }),
    ...(hints.length > 0 && { hint: hints.join("; ") }),
    ...(at && { source: withoutSecrets(at.text), sourceColumn: at.columnOfText }),
  };
}

/** `services[0].port`; keys that are no words in quotes. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const name = /^[\w$-]+$/.test(part) ? part : JSON.stringify(part);
    return text === "" ? name : `${text}.${name}`;
  }, "");
}

interface Position {
  line: number;
  column: number;
  /** The line, or of a long one what is around the place. */
  text: string;
  columnOfText: number;
}

function positionOf(text: string, offset: number): Position {
  const start = offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
  const newline = text.indexOf("\n", offset);
  const end = newline < 0 ? text.length : newline;
  const from = Math.max(start, offset - NEAR_MAX);
  return {
    line: text.slice(0, start).split("\n").length,
    column: lengthOf(text.slice(start, offset)) + 1,
    text: text.slice(from, Math.min(end, offset + NEAR_MAX)).replace(/\r$/, ""),
    columnOfText: lengthOf(text.slice(from, offset)) + 1,
  };
}

/** In characters, where a pair of surrogates is one. */
function lengthOf(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

/** Which action of the template is to blame, and which of its variables are not set. */
function templateHint({ origins }: Place): string | undefined {
  return origins.length === 0 ? undefined : origins.map(originHint).join(", ");
}

function originHint({ origin: { action, variables }, silent }: Blamed): string {
  const what = `${showAction(action?.text ?? "")} printed ${silent ? "nothing" : "it"}`;
  const why = variables.map(variableHint);
  return why.length > 0 ? `${what}: ${why.join(", ")}` : what;
}

function variableHint({ name, set, empty }: VariableRead): string {
  return `${name} is ${set ? (empty ? "empty" : "set") : "not set"}`;
}

function alsoHint({ also = [], atKey = false }: Problem, attempt: Attempt, locator: Locator): string | undefined {
  const places = also.flatMap((path) => {
    const place = locator.placeOfPath(path, atKey);
    if (!place) return [];
    const { line, column } = positionOf(attempt.text, place.offset);
    return [`${pathText(path)} at ${line}:${column}`];
  });
  return places.length > 0 ? `see ${places.join(", ")}` : undefined;
}

/** Texts behind keys that name a secret are not shown. */
function withoutSecrets(line: string): string {
  const secret = /((?:\w*(?:token|passw|secret|credential)\w*)["']?\s*[:=]\s*["']?)([^"',}\s{]+)/gi;
  return line.replace(secret, (_, before: string, value: string) => before + "*".repeat(value.length));
}

function toLines(told: Told, { colour = false, excerpt = told.level === "error" }: PrintOptions): string[] {
  const paint = (code: string, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const place = told.line === undefined ? told.file : `${told.file}:${told.line}:${told.column}`;
  const parts = [told.found, told.allowed && `expected ${told.allowed}`, told.hint];
  const says = parts.filter(Boolean).join("; ").replace(CONTROL, "?");
  const kind = told.level === "warning" ? paint("33", "warning: ") : "";
  const path = told.path === "" ? "" : `${paint("1", told.path)}: `;
  const head = `${paint("1", place)}  ${kind}${path}${says}`;
  if (!excerpt || told.source === undefined || told.line === undefined) return [head];
  return [head, ...excerptOf(told.source, told.line, told.sourceColumn ?? 1).map((line) => paint("2", line))];
}

/** The source line and a caret beneath, cut to the width around the column. */
function excerptOf(source: string, line: number, column: number): string[] {
  const gutter = `${String(line).padStart(5)} | `;
  const room = WIDTH_MAX - gutter.length;
  const characters = [...source.replaceAll("\t", " ").replace(CONTROL, "?")];
  const from = characters.length <= room || column < room - 8 ? 0 : column - Math.floor(room / 2);
  const shown = characters.slice(from, from + room);
  if (from > 0) shown[0] = "…";
  if (from + room < characters.length) shown[room - 1] = "…";
  return [gutter + shown.join(""), `${" ".repeat(gutter.length - 2)}| ${" ".repeat(column - 1 - from)}^`];
}
