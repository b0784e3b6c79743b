import { byteLength, encodeBytes, sliceBytes } from "./bytes.ts";
import { eq, le, lt } from "./compare.ts";
import { Refusal } from "./errors.ts";
import type { Dialect, Needs } from "./node.ts";
import {
  type Environment,
  format,
  isTrue,
  type List,
  lookUp,
  sprint,
  sprintln,
  stringList,
  typeName,
  type Value,
} from "./values.ts";

/** Rarely used functions, loaded when a template names one of them (formats.ts). */
export interface Formats {
  /** fmt.Sprintf. The type names of the dialect appear in error forms; longer results than `lengthMax` are refused. */
  printf(
    format: string,
    args: readonly Value[],
    dialect: Dialect,
    lengthMax: number,
  ): string | { readonly error: string };
  html(text: string): string;
  js(text: string): string;
  urlquery(text: string): string;
}

/** RE2, loaded when a template names regexReplaceAll (regex.ts). */
export interface RegexEngine {
  /**
   * Replaces all matches; Go's `$1`, `${name}`, `$$` in the replacement. An expression that RE2 refuses is an error.
   * Work beyond that of any function (program size times length of the text) is charged.
   */
  replaceAll(
    expression: string,
    replacement: string,
    text: string,
    bounds: Pick<Host, "lengthMax" | "charge">,
  ): string | { readonly error: string };
}

/** The lazily loaded parts; those that the template needs must be there when it is executed. */
export interface Parts {
  readonly formats?: Formats | undefined;
  readonly regex?: RegexEngine | undefined;
}

/** What functions see of the execution that calls them. */
export interface Host {
  readonly env: Environment;
  readonly dialect: Dialect;
  readonly parts: Parts;
  /** Longest string that a function may return. */
  readonly lengthMax: number;
  /** Counts work before it is done; throws when the execution has used up its steps. */
  charge(steps: number): void;
  /** Notes that the result depends on a variable of the environment. */
  read(name: string): void;
}

/** A Go parameter type: interface{} (or reflect.Value), string, []string. */
export type ParamType = "any" | "string" | "[]string";

export interface Func {
  readonly params: readonly ParamType[];
  /** The type of further arguments; absent in a function with a fixed number of them. */
  readonly variadic?: ParamType;
  /** The lazily loaded part that it calls. */
  readonly part?: keyof Needs;
  readonly only?: Dialect;
  /** Throws a Refusal where Go's function returns an error or panics. */
  call(args: readonly Value[], host: Host): Value;
}

/** Go's unicode.IsSpace, which strings.TrimSpace trims; JavaScript's trim differs at U+0085 and U+FEFF. */
const OUTER_SPACE =
  /^[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;

/** and, or: the executor evaluates their arguments one by one, since later ones may not be evaluated at all. */
export const SHORT_CIRCUIT: ReadonlySet<string> = new Set(["and", "or"]);

/** A function of values alone. */
const pure = (count: number, call: (...args: Value[]) => Value, variadic?: ParamType): Func => ({
  params: Array.from({ length: count }, () => "any" as const),
  ...(variadic && { variadic }),
  call: (args) => call(...args),
});

/** A function of strings; the executor has checked the types. */
const strings = (count: number, call: (...args: string[]) => Value): Func => ({
  params: Array.from({ length: count }, () => "string" as const),
  call: (args) => call(...(args as string[])),
});

/** html, js, urlquery: one string as it is, anything else as fmt.Sprint with nil as the template prints it. */
const escaper = (name: "html" | "js" | "urlquery"): Func => ({
  params: [],
  variadic: "any",
  part: "formats",
  call: (args, { parts }) => parts.formats![name](sprint(args.map((arg) => arg ?? "<no value>"))),
});

/** The result of a part, which reports errors as data because it lies in another chunk. */
function unwrap(result: string | { readonly error: string }): string {
  if (typeof result === "string") return result;
  throw new Refusal(result.error);
}

function index(args: readonly Value[], { read, dialect }: Host): Value {
  let [item, ...keys] = args;
  if (item === undefined) throw new Refusal("index of nil");
  for (const key of keys) {
    if (typeof item !== "string" && !(typeof item === "object" && (item.kind === "list" || item.kind === "map"))) {
      throw new Refusal(`cannot index a value of type ${typeName(item, dialect)}`);
    }
    if (typeof item === "object" && item.kind === "map") {
      if (typeof key !== "string") throw new Refusal(`the key has type ${typeName(key, dialect)}; should be string`);
      read(key);
      item = lookUp(item.entries, key) ?? "";
    } else {
      const length = typeof item === "string" ? byteLength(item) : item.items.length;
      const at = position(key, length - 1, dialect);
      item = typeof item === "string" ? { kind: "byte", value: encodeBytes(item)[at]! } : item.items[at];
    }
  }
  return item;
}

/** An index as a number from 0 to max. */
function position(key: Value, max: number, dialect: Dialect): number {
  const at = typeof key === "object" && key.kind === "byte" ? BigInt(key.value) : key;
  if (typeof at !== "bigint") throw new Refusal(`an index of type ${typeName(key, dialect)}; should be int`);
  if (at < 0n || at > max) throw new Refusal(`index out of range: ${at}`);
  return Number(at);
}

function slice([item, ...indexes]: readonly Value[], { dialect }: Host): Value {
  const list = typeof item === "object" && item.kind === "list" ? item : undefined;
  if (typeof item !== "string" && !list) throw new Refusal(`cannot slice a value of type ${typeName(item, dialect)}`);
  if (indexes.length > (list ? 3 : 2)) throw new Refusal(`too many indexes for a ${list ? "list" : "string"}`);
  const length = list ? list.items.length : byteLength(item as string);
  const capacity = length + (list?.spare.length ?? 0);
  const given = indexes.map((at) => position(at, capacity, dialect));
  const [low = 0, high = length, max = capacity] = given;
  if (low > high || high > max) throw new Refusal(`the slice's indexes go backwards: ${given.join(" ")}`);
  if (!list) return sliceBytes(item as string, low, high);
  const all = [...list.items, ...list.spare];
  return { ...list, items: all.slice(low, high), spare: all.slice(high, max) };
}

function len(item: Value, dialect: Dialect): bigint {
  if (typeof item === "string") return BigInt(byteLength(item));
  if (typeof item === "object" && item.kind === "list") return BigInt(item.items.length);
  if (typeof item === "object" && item.kind === "map") {
    return BigInt(Object.values(item.entries).filter((value) => value !== undefined).length);
  }
  throw new Refusal(`a value of type ${typeName(item, dialect)} has no length`);
}

/** Go's strings.Split; an empty separator splits into characters. */
function split(separator: string, text: string): List {
  const trimmed = text.replace(OUTER_SPACE, "");
  if (trimmed === "") return stringList([]);
  return stringList(separator === "" ? Array.from(trimmed) : trimmed.split(separator));
}

/** Go's strings.Replace without a limit; an empty `from` stands before each character and at the end. */
function replaceAll(from: string, to: string, text: string): string {
  return from === "" ? ["", ...Array.from(text), ""].join(to) : text.split(from).join(to);
}

/** `loop N`: 0 … N-1; `loop A B`: A … B-1, or A … B+1 downwards when B is less than A. */
function loop(args: readonly Value[], { charge, dialect }: Host): List {
  if (args.length < 1 || args.length > 2)
    throw new Refusal(`wrong number of arguments: want 1 or 2, got ${args.length}`);
  const bounds = args.map((arg) => {
    if (typeof arg === "bigint") return arg;
    if (typeof arg !== "string")
      throw new Refusal(`a bound of type ${typeName(arg, dialect)}; should be int or string`);
    const bound = /^[+-]?\d{1,19}$/.test(arg) ? BigInt(arg.replace("+", "")) : undefined;
    if (bound === undefined || BigInt.asIntN(64, bound) !== bound)
      throw new Refusal(`the bound "${arg}" is no integer`);
    return bound;
  });
  const [first, end] = bounds.length === 1 ? [0n, bounds[0]!] : [bounds[0]!, bounds[1]!];
  const step = end < first ? -1n : 1n;
  charge(Number((end - first) * step));
  const items: bigint[] = [];
  for (let at = first; at !== end; at += step) items.push(at);
  return { kind: "list", of: "int", items, spare: [] };
}

/** All functions by name: Go's built-ins, then those that ContainerPilot adds. */
export const FUNCTIONS: Readonly<Record<string, Func>> = {
  __proto__: null as never,
  and: pure(1, () => undefined, "any"),
  or: pure(1, () => undefined, "any"),
  not: pure(1, (value) => !isTrue(value)),
  eq: pure(1, (first, ...others) => eq(first, others), "any"),
  ne: pure(2, (a, b) => !eq(a, [b])),
  lt: pure(2, lt),
  le: pure(2, le),
  gt: pure(2, (a, b) => !le(a, b)),
  ge: pure(2, (a, b) => !lt(a, b)),
  index: { params: ["any"], variadic: "any", call: index },
  slice: { params: ["any"], variadic: "any", call: slice },
  len: { params: ["any"], call: ([item], { dialect }) => len(item, dialect) },
  call: {
    params: ["any"],
    variadic: "any",
    call: ([item], { dialect }) => {
      throw new Refusal(
        item === undefined ? "call of nil" : `a value of type ${typeName(item, dialect)} is no function`,
      );
    },
  },
  print: pure(0, (...args) => sprint(args), "any"),
  println: pure(0, (...args) => sprintln(args), "any"),
  printf: {
    params: ["string"],
    variadic: "any",
    part: "formats",
    call: ([text, ...args], { parts, dialect, lengthMax }) =>
      unwrap(parts.formats!.printf(text as string, args, dialect, lengthMax)),
  },
  html: escaper("html"),
  js: escaper("js"),
  urlquery: escaper("urlquery"),
  // Only a string counts as a value: a number or a list yields the default, as ContainerPilot does it.
  default: pure(2, (fallback, value) => (typeof value === "string" && value !== "" ? value : format(fallback))),
  split: strings(2, split),
  join: {
    params: ["string", "[]string"],
    call: ([separator, list]) => (list as List | undefined)?.items.join(separator as string) ?? "",
  },
  replaceAll: strings(3, replaceAll),
  regexReplaceAll: {
    params: ["string", "string", "string"],
    part: "regex",
    call: ([expression, to, text], host) =>
      unwrap(host.parts.regex!.replaceAll(expression as string, to as string, text as string, host)),
  },
  env: {
    params: ["string"],
    only: "v3",
    call: ([name], { env, read }) => {
      read(name as string);
      return lookUp(env, name as string) ?? "";
    },
  },
  loop: { params: [], variadic: "any", only: "v3", call: loop },
};

/** The functions that a dialect has. */
export function functionNames(dialect: Dialect): string[] {
  return Object.keys(FUNCTIONS).filter((name) => (FUNCTIONS[name]!.only ?? dialect) === dialect);
}
