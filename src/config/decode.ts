/**
 * Reads a configuration's values into what its keys are declared to be, as weakly typed as the originals' decoder
 * (ContainerPilot 2.7.8 and 3.8.0 share it). The tables of keys that drive it (`v2/keys.ts`, `v3/keys.ts`) are also what
 * the JSON Schema is made from, so the two cannot disagree.
 */
import { lintCommand, parseCommand } from "./commands.ts";
import { parseDuration, type Span } from "./durations.ts";
import { goText, plainNumber } from "./gotext.ts";
import { type Path, Problems } from "./problems.ts";

/**
 * What a key's value is. `need`: the key must be there; `or`: its value where it is absent. `with` and `unless` name a key
 * that is declared before this one: the value counts only where that one is there (and not 0), or is not.
 */
export type Kind = { readonly need?: true; readonly with?: string; readonly unless?: string } & (
  | { readonly t: "int"; readonly min?: number; readonly or?: number }
  /** `blank`: an empty text is as good as absent; `name`: it is refused as a name. */
  | {
      readonly t: "text";
      readonly words?: readonly string[];
      readonly anyCase?: true;
      readonly blank?: true;
      readonly name?: true;
      readonly or?: string;
    }
  | { readonly t: "bool"; readonly or?: boolean }
  /** A list of texts; a text alone is refused, as the originals do. */
  | { readonly t: "texts" }
  /** A list of texts, or one. */
  | { readonly t: "oneOrMore"; readonly listOnly?: true }
  | { readonly t: "command" }
  /** min in milliseconds. `unit`: a bare number of seconds is refused. */
  | { readonly t: "span"; readonly min?: number; readonly unit?: true }
  /** A number of further runs; Infinity for `unlimited`. */
  | { readonly t: "restarts" }
  | { readonly t: "map"; readonly keys: Table; readonly or?: Readonly<Record<string, never>> }
  | { readonly t: "list"; readonly keys: Table }
  /** A text, or an object. */
  | { readonly t: "textOrMap"; readonly keys: Table }
  /** Off, or an object. */
  | { readonly t: "falseOrMap"; readonly keys: Table }
  /** An object from names of signals to deeds, or from exit codes to others; read by whoever knows them. */
  | { readonly t: "signals" | "codes" }
  /** A key of old that is read and ignored, or translated. */
  | { readonly t: "ignored" }
);

export type Table = Readonly<Record<string, Kind>>;

type Plain<K extends Kind> = K extends { t: "int" | "restarts" }
  ? number
  : K extends { t: "text" }
    ? K extends { words: readonly (infer W)[] }
      ? W
      : string
    : K extends { t: "bool" }
      ? boolean
      : K extends { t: "texts" | "oneOrMore" | "command" }
        ? readonly string[]
        : K extends { t: "span" }
          ? Span
          : K extends { t: "map"; keys: infer T extends Table }
            ? Read<T>
            : K extends { t: "list"; keys: infer T extends Table }
              ? readonly Read<T>[]
              : K extends { t: "textOrMap"; keys: infer T extends Table }
                ? string | Read<T>
                : K extends { t: "falseOrMap"; keys: infer T extends Table }
                  ? false | Read<T>
                  : K extends { t: "signals" | "codes" }
                    ? Json
                    : unknown;

type Certain = { need: true } | { or: unknown } | { t: "list" };

/** An object as its table declares it. `at`: its path. What was refused reads as an empty value of its kind: look at the problems first. */
export type Read<T extends Table> = { readonly at: Path } & {
  readonly [N in keyof T]: T[N] extends Certain ? Plain<T[N]> : Plain<T[N]> | undefined;
};

type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads an object. With `fold`, a key that is absent is also found in other cases (`PORT`), as the originals do below the top. */
export function readMap<T extends Table>(keys: T, value: Json, at: Path, problems: Problems, fold = true): Read<T> {
  const read: Record<string, unknown> = { at };
  const others = otherNames(keys, value, at, problems, fold);
  for (const key of Object.keys(keys)) {
    const kind = keys[key] as Kind;
    const name = others?.get(key) ?? key;
    const idle = (kind.with && !read[kind.with]) || (kind.unless && read[kind.unless]);
    read[key] = idle
      ? undefined
      : readKey(kind, Object.hasOwn(value, name) ? value[name] : undefined, at, name, problems);
  }
  return read as Read<T>;
}

/** The keys of the table that the object has in other cases; what it has besides is refused. undefined: it has all as they are. */
function otherNames(
  keys: Table,
  value: Json,
  at: Path,
  problems: Problems,
  fold: boolean,
): ReadonlyMap<string, string> | undefined {
  const odd = new Set(Object.keys(value).filter((name) => !Object.hasOwn(keys, name)));
  if (odd.size === 0) return undefined;
  const others = new Map<string, string>();
  for (const key of fold ? Object.keys(keys) : []) {
    if (Object.hasOwn(value, key)) continue;
    const lower = key.toLowerCase();
    const name = [...odd].find((one) => one.toLowerCase() === lower);
    if (name === undefined) continue;
    odd.delete(name);
    others.set(key, name);
  }
  for (const name of odd) {
    problems.error("unknown-key", [...at, name], { atKey: true, about: { known: Object.keys(keys) } });
  }
  return others;
}

/** null is as good as absent, everywhere. */
function readKey(kind: Kind, value: unknown, parent: Path, name: string, problems: Problems): unknown {
  if (value !== undefined && value !== null) return readValue(kind, value, [...parent, name], problems);
  if (kind.need) {
    problems.error("missing", [...parent, name], { about: { kind } });
    return emptyOf(kind);
  }
  if (kind.t === "list") return [];
  if (!("or" in kind)) return undefined;
  return kind.t === "map" ? readMap(kind.keys, {}, [...parent, name], problems) : kind.or;
}

/** What a refused value reads as, so that the checks that follow need not care. */
function emptyOf(kind: Kind): unknown {
  if (kind.t === "int" || kind.t === "restarts") return 0;
  if (kind.t === "span") return { ms: 0, text: "" };
  if (kind.t === "text" || kind.t === "textOrMap") return "";
  if (kind.t === "map" && kind.or) return readMap(kind.keys, {}, [], new Problems());
  return kind.t === "command" || kind.t === "list" || kind.t === "texts" || kind.t === "oneOrMore" ? [] : undefined;
}

function readValue(kind: Kind, value: unknown, at: Path, problems: Problems): unknown {
  const refuse = (code: Parameters<Problems["error"]>[0], about?: Readonly<Record<string, unknown>>): unknown => {
    problems.error(code, at, { found: value, about: { kind, ...about } });
    return emptyOf(kind);
  };
  switch (kind.t) {
    case "int": {
      const int = toInt(value);
      if (int === undefined) return refuse(typeof value === "object" ? "wrong-type" : "bad-number");
      return kind.min !== undefined && int < kind.min ? refuse("too-small", { min: kind.min }) : int;
    }
    case "text": {
      const text = toText(value);
      if (text === undefined) return refuse("wrong-type");
      if (kind.name && text === "") return refuse("blank-name");
      if (!kind.words) return text;
      const word = kind.anyCase ? text.toLowerCase() : text;
      if (word === "" && (kind.blank || kind.or !== undefined)) return kind.or;
      return kind.words.includes(word) ? word : refuse("bad-word", { words: kind.words });
    }
    case "bool":
      return toBool(value) ?? refuse("wrong-type");
    case "texts":
      return toTexts(value) ?? refuse("wrong-type");
    case "oneOrMore":
      if (typeof value === "string" && !kind.listOnly) return [value];
      return (kind.listOnly ? toTexts(value) : Array.isArray(value) && value.map(goText)) || refuse("wrong-type");
    case "command":
      problems.later(() => lintCommand(value, at, problems));
      return parseCommand(value) ?? refuse("empty-command");
    case "span":
      return readSpan(kind, value, refuse);
    case "restarts":
      return toRestarts(value) ?? refuse("bad-word", { restarts: true });
    case "map":
      return isObject(value) ? readMap(kind.keys, value, at, problems) : refuse("wrong-type");
    case "textOrMap":
      if (typeof value === "string") return value;
      return isObject(value) ? readMap(kind.keys, value, at, problems) : refuse("wrong-type");
    case "falseOrMap":
      if (value === false) return value;
      return isObject(value) ? readMap(kind.keys, value, at, problems) : refuse("wrong-type");
    case "list":
      return readList(kind.keys, value, at, problems);
    case "signals":
    case "codes":
      return isObject(value) ? value : refuse("wrong-type");
    case "ignored":
      return value;
    default:
      return kind satisfies never;
  }
}

/** What is no list at all was ignored by the originals without a word: it still is, with one. Items that are null are skipped. */
function readList(keys: Table, value: unknown, at: Path, problems: Problems): readonly unknown[] {
  if (!Array.isArray(value)) {
    problems.warn("not-a-list", at, { found: value });
    return [];
  }
  const items: unknown[] = [];
  value.forEach((item: unknown, index) => {
    if (item === null) return;
    if (isObject(item)) items.push(readMap(keys, item, [...at, index], problems));
    else problems.error("wrong-type", [...at, index], { found: item, about: { kind: { t: "map", keys } } });
  });
  return items;
}

function readSpan(
  kind: { readonly min?: number; readonly unit?: true; readonly need?: true },
  value: unknown,
  refuse: (code: "wrong-type" | "bad-duration" | "too-small", about?: Readonly<Record<string, unknown>>) => unknown,
): unknown {
  const text = toText(value);
  if (text === undefined) return refuse("wrong-type");
  if (text === "" && !kind.need) return undefined;
  const ms = parseDuration(text, !kind.unit);
  if (ms === undefined) return refuse("bad-duration");
  return kind.min !== undefined && ms < kind.min ? refuse("too-small", { min: kind.min }) : { ms, text };
}

/** Numbers lose their fraction, texts are read as Go reads integers (`0x50`, octal with a leading zero), true is 1. */
function toInt(value: unknown): number | undefined {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number") return Number.isFinite(value) ? Math.trunc(value) : undefined;
  const match = typeof value === "string" ? /^([+-]?)(0[xX][\da-fA-F]+|0[0-7]*|[1-9]\d*)$/.exec(value) : null;
  if (!match) return undefined;
  const digits = match[2] as string;
  const size = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return match[1] === "-" ? -size : size;
}

function toText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number") return plainNumber(value);
  return typeof value === "boolean" ? (value ? "1" : "0") : undefined;
}

function toBool(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (typeof value === "number") return value !== 0;
  if (typeof value !== "string") return undefined;
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  return /^(0|f|F|false|FALSE|False|)$/.test(value) ? false : undefined;
}

function toTexts(value: unknown): readonly string[] | undefined {
  if (isObject(value)) return Object.keys(value).length === 0 ? [] : undefined;
  if (!Array.isArray(value)) return undefined;
  const texts = value.map((item: unknown) => (item === null ? "" : toText(item)));
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

function toRestarts(value: unknown): number | undefined {
  if (value === "unlimited") return Number.POSITIVE_INFINITY;
  if (value === "never") return 0;
  if (typeof value === "number") return value >= 0 && Number.isFinite(value) ? Math.trunc(value) : undefined;
  return typeof value === "string" && /^\+?\d+$/.test(value) ? Number(value) : undefined;
}
