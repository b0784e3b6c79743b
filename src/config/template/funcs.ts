import { eq, le, lt } from "./compare.ts";
import { Refusal } from "./errors.ts";
import type { Dialect, Needs } from "./node.ts";
import { type Environment, format, isTrue, type List, lookUp, stringList, type Value } from "./values.ts";

/** Functions that few templates call, loaded when one names any of them (more.ts). */
export type MoreFunctions = Readonly<Record<string, (args: readonly Value[], host: Host) => Value>>;

/** RE2, loaded when a template names regexReplaceAll (regex.ts). */
export interface RegexEngine {
  /**
   * Replaces all matches; Go's `$1`, `${name}`, `$$` in the replacement. An expression that RE2 does not take is
   * refused; work that goes beyond that of any function (program size times length of the text) is charged.
   */
  replaceAll(expression: string, replacement: string, text: string, host: Host): string;
}

/** The lazily loaded parts; those that the template needs must be there when it is executed. */
export interface Parts {
  readonly more?: MoreFunctions | undefined;
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
  /** What a function does where Go's returns an error or panics; the executor adds where it happened. */
  refuse(message: string): never;
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
  /** Absent in functions of the part `more`, which has them under the same name, and in those of SHORT_CIRCUIT. */
  readonly call?: (args: readonly Value[], host: Host) => Value;
}

/** Go's unicode.IsSpace, which strings.TrimSpace trims; JavaScript's trim differs at U+0085 and U+FEFF. */
const SPACE = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && SPACE.test(text[start]!)) start++;
  while (end > start && SPACE.test(text[end - 1]!)) end--;
  return text.slice(start, end);
}

/** The executor evaluates their arguments one by one, since later ones may not be evaluated at all. */
export const SHORT_CIRCUIT: ReadonlySet<string> = new Set(["and", "or"]);

/** A function of values alone. */
const pure = (count: 1 | 2, call: (args: readonly Value[]) => Value, variadic?: ParamType): Func => ({
  params: count === 1 ? ["any"] : ["any", "any"],
  ...(variadic && { variadic }),
  call,
});

/** A function of strings; the executor has checked the types. */
const strings = (count: 2 | 3, call: (args: readonly string[], host: Host) => Value): Func => ({
  params: Array.from({ length: count }, () => "string" as const),
  call: (args, host) => call(args as readonly string[], host),
});

/** A function of the part `more`. */
const more = (params: readonly ParamType[], variadic?: ParamType): Func => ({
  params,
  ...(variadic && { variadic }),
  part: "more",
});

/** How often `part`, which is not empty, occurs. */
function count(text: string, part: string): number {
  let found = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) found++;
  return found;
}

/** Go's strings.Split; an empty separator splits into characters. */
function split(separator: string, text: string, { charge }: Host): List {
  const trimmed = trimSpace(text);
  if (trimmed === "") return stringList([]);
  charge(separator === "" ? trimmed.length : count(trimmed, separator));
  return stringList(separator === "" ? Array.from(trimmed) : trimmed.split(separator));
}

/** Go's strings.Join, refused before it is too long. */
function join(separator: string, { items }: List, host: Host): string {
  const length = (items as string[]).reduce((sum, item) => sum + item.length + separator.length, 0);
  if (length > host.lengthMax + separator.length) throw tooLong(host);
  return items.join(separator);
}

/** Go's strings.Replace without a limit; an empty `from` stands before each character and at the end. */
function replaceAll(from: string, to: string, text: string, host: Host): string {
  const found = from === "" ? text.length + 1 : count(text, from);
  host.charge(found);
  if (text.length + found * (to.length - from.length) > host.lengthMax) throw tooLong(host);
  return from === "" ? ["", ...Array.from(text), ""].join(to) : text.replaceAll(from, () => to);
}

const tooLong = ({ lengthMax }: Host): Refusal => new Refusal(`the result is longer than ${lengthMax} characters`);

/** All functions by name: Go's built-ins, then those that ContainerPilot adds. */
export const FUNCTIONS: Readonly<Record<string, Func>> = {
  __proto__: null as never,
  and: { params: ["any"], variadic: "any" },
  or: { params: ["any"], variadic: "any" },
  not: pure(1, ([value]) => !isTrue(value)),
  eq: pure(1, ([first, ...others]) => eq(first, others), "any"),
  ne: pure(2, ([a, b]) => !eq(a, [b])),
  lt: pure(2, ([a, b]) => lt(a, b)),
  le: pure(2, ([a, b]) => le(a, b)),
  gt: pure(2, ([a, b]) => !le(a, b)),
  ge: pure(2, ([a, b]) => !lt(a, b)),
  index: more(["any"], "any"),
  slice: more(["any"], "any"),
  len: more(["any"]),
  call: more(["any"], "any"),
  print: more([], "any"),
  println: more([], "any"),
  printf: more(["string"], "any"),
  html: more([], "any"),
  js: more([], "any"),
  urlquery: more([], "any"),
  // Only a string counts as a value: a number or a list yields the default, as ContainerPilot does it.
  default: pure(2, ([fallback, value]) => (typeof value === "string" && value !== "" ? value : format(fallback))),
  split: strings(2, ([separator, text], host) => split(separator!, text!, host)),
  join: {
    params: ["string", "[]string"],
    call: ([separator, list], host) => (list ? join(separator as string, list as List, host) : ""),
  },
  replaceAll: strings(3, ([from, to, text], host) => replaceAll(from!, to!, text!, host)),
  regexReplaceAll: {
    ...strings(3, ([re, to, text], host) => host.parts.regex!.replaceAll(re!, to!, text!, host)),
    part: "regex",
  },
  env: {
    params: ["string"],
    only: "v3",
    call: ([name], { env, read }) => {
      read(name as string);
      return lookUp(env, name as string) ?? "";
    },
  },
  loop: { ...more([], "any"), only: "v3" },
};

/** The functions that a dialect has. */
export function functionNames(dialect: Dialect): string[] {
  return Object.keys(FUNCTIONS).filter((name) => (FUNCTIONS[name]!.only ?? dialect) === dialect);
}
