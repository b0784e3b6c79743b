import { byteLength, encodeBytes, hasRawBytes, sliceBytes } from "./bytes.ts";
import type { Host, MoreFunctions } from "./funcs.ts";
import { printf } from "./printf.ts";
import { isPrint } from "./quote.ts";
import { format, type List, lookUp, sprint, typeName, type Value } from "./values.ts";

function index(args: readonly Value[], host: Host): Value {
  let item = args[0];
  if (item === undefined) host.refuse("index of nil");
  for (const key of args.slice(1)) {
    if (typeof item !== "string" && !(typeof item === "object" && (item.kind === "list" || item.kind === "map"))) {
      host.refuse(`cannot index a value of type ${typeName(item, host.dialect)}`);
    }
    if (typeof item === "object" && item.kind === "map") {
      if (typeof key !== "string") host.refuse(`the key has type ${typeName(key, host.dialect)}; should be string`);
      host.read(key);
      item = lookUp(item.entries, key) ?? "";
    } else {
      const length = typeof item === "string" ? byteLength(item) : item.items.length;
      const at = position(key, length - 1, host);
      item = typeof item === "string" ? { kind: "byte", value: encodeBytes(item)[at]! } : item.items[at];
    }
  }
  return item;
}

/** An index as a number from 0 to max. */
function position(key: Value, max: number, host: Host): number {
  const at = typeof key === "object" && key.kind === "byte" ? BigInt(key.value) : key;
  if (typeof at !== "bigint") host.refuse(`an index of type ${typeName(key, host.dialect)}; should be int`);
  if (at < 0n || at > max) host.refuse(`index out of range: ${at}`);
  return Number(at);
}

function slice([item, ...indexes]: readonly Value[], host: Host): Value {
  const list = typeof item === "object" && item.kind === "list" ? item : undefined;
  if (typeof item !== "string" && !list) host.refuse(`cannot slice a value of type ${typeName(item, host.dialect)}`);
  if (indexes.length > (list ? 3 : 2)) host.refuse(`too many indexes for a ${list ? "list" : "string"}`);
  const length = list ? list.items.length : byteLength(item as string);
  const capacity = length + (list?.spare.length ?? 0);
  const given = indexes.map((at) => position(at, capacity, host));
  const [low = 0, high = length, max = capacity] = given;
  if (low > high || high > max) host.refuse(`the slice's indexes go backwards: ${given.join(" ")}`);
  if (!list) return sliceBytes(item as string, low, high);
  host.charge(capacity);
  const all = [...list.items, ...list.spare];
  return { ...list, items: all.slice(low, high), spare: all.slice(high, max) };
}

function len([item]: readonly Value[], host: Host): bigint {
  if (typeof item === "string") return BigInt(byteLength(item));
  if (typeof item === "object" && item.kind === "list") return BigInt(item.items.length);
  if (typeof item === "object" && item.kind === "map") {
    return BigInt(Object.values(item.entries).filter((value) => value !== undefined).length);
  }
  return host.refuse(`a value of type ${typeName(item, host.dialect)} has no length`);
}

/** `loop N`: 0 … N-1; `loop A B`: A … B-1, or A … B+1 downwards when B is less than A. */
function loop(args: readonly Value[], host: Host): List {
  if (args.length < 1 || args.length > 2) host.refuse(`wrong number of arguments: want 1 or 2, got ${args.length}`);
  const bounds = args.map((arg) => {
    if (typeof arg === "bigint") return arg;
    if (typeof arg !== "string") host.refuse(`a bound of type ${typeName(arg, host.dialect)}; should be int or string`);
    const bound = /^[+-]?\d{1,100}$/.test(arg) ? BigInt(arg.replace("+", "")) : undefined;
    if (bound === undefined || BigInt.asIntN(64, bound) !== bound) host.refuse(`the bound "${arg}" is no integer`);
    return bound;
  });
  const [first, end] = bounds.length === 1 ? [0n, bounds[0]!] : [bounds[0]!, bounds[1]!];
  const step = end < first ? -1n : 1n;
  host.charge(Number((end - first) * step));
  const items: bigint[] = [];
  for (let at = first; at !== end; at += step) items.push(at);
  return { kind: "list", of: "int", items, spare: [] };
}

const HTML: Readonly<Record<string, string>> = {
  "\0": "\ufffd",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

/** Go's template.HTMLEscapeString. */
const html = (text: string): string => text.replace(/[\0"'&<>]/g, (char) => HTML[char]!);

const hex4 = (code: number): string => `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;

/** Go's template.JSEscapeString: what could end a string or a script element, and what does not print. */
function js(text: string): string {
  return text.replace(/[\\'"]|[<>&=\x00-\x1f]|[^\x00-\x7f]/gu, (char) => {
    if ("\\'\"".includes(char)) return `\\${char}`;
    // Bytes that are not UTF-8 stay as they are: Go takes them for U+FFFD, which prints.
    return char > "\x7f" && (isPrint(char) || hasRawBytes(char)) ? char : hex4(char.codePointAt(0)!);
  });
}

/** Go's url.QueryEscape: all but letters, digits and `-_.~`, byte by byte; a blank as `+`. */
function urlquery(text: string): string {
  return text.replace(/[^A-Za-z0-9_.~-]/gu, (char) =>
    char === " " ? "+" : Buffer.from(encodeBytes(char)).toString("hex").toUpperCase().replace(/../g, "%$&"),
  );
}

/** html, js, urlquery: one string as it is, anything else as fmt.Sprint, with nil as the template prints it. */
const escaper = (change: (text: string) => string) => (args: readonly Value[]) =>
  change(sprint(args.map((arg) => arg ?? "<no value>")));

/** Functions that few configurations call; Go's built-ins, and `loop`. */
export const moreFunctions: MoreFunctions = {
  index,
  slice,
  len,
  call: ([item], host) =>
    host.refuse(item === undefined ? "call of nil" : `a value of type ${typeName(item, host.dialect)} is no function`),
  loop,
  print: sprint,
  println: (args) => `${args.map(format).join(" ")}\n`,
  printf: ([text, ...args], host) => printf(text as string, args, host),
  html: escaper(html),
  js: escaper(js),
  urlquery: escaper(urlquery),
};
