import { joinBytes, rawByte } from "./bytes.ts";
import { NUMBER_LENGTH_MAX } from "./limits.ts";
import type { NumberNode } from "./node.ts";

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
};

const ESCAPE =
  /\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]|$))|[^\\]+/gy;

/** One piece of a quoted literal: a code point, or a byte where it was written as `\xhh` or `\ooo`. */
type Piece = { readonly text: string } | { readonly byte: number };

/** Reads Go escapes; undefined when one is malformed or does not belong between these quotes. */
function pieces(body: string, quote: string): Piece[] | undefined {
  const found: Piece[] = [];
  for (const match of body.matchAll(ESCAPE)) {
    const [whole, simple, hex, octal, u4, u8, bad] = match;
    if (bad !== undefined) return undefined;
    if (simple === "'" || simple === '"') {
      if (simple !== quote) return undefined;
      found.push({ text: simple });
    } else if (simple !== undefined) found.push({ text: SIMPLE_ESCAPES[simple]! });
    else if (hex ?? octal) {
      const byte = hex ? Number.parseInt(hex, 16) : Number.parseInt(octal!, 8);
      if (byte > 0xff) return undefined;
      found.push({ byte });
    } else if (u4 ?? u8) {
      const code = Number.parseInt(u4 ?? u8!, 16);
      if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return undefined;
      found.push({ text: String.fromCodePoint(code) });
    } else found.push({ text: whole });
  }
  return found;
}

/** The value of a Go string literal in `"` or back quotes; undefined when it is malformed. */
export function unquote(literal: string): string | undefined {
  const body = literal.slice(1, -1);
  if (literal[0] === "`") return body.replaceAll("\r", "");
  if (!body.includes("\\")) return body;
  const parts = pieces(body, '"');
  if (!parts) return undefined;
  const texts = parts.map((p) =>
    "text" in p ? p.text : p.byte < 0x80 ? String.fromCharCode(p.byte) : rawByte(p.byte),
  );
  return joinBytes(texts.join("")).text;
}

/** The code point of a Go character constant such as `'a'` or `'\n'`; undefined when it is malformed. */
function unquoteChar(literal: string): bigint | undefined {
  const parts = pieces(literal.slice(1, -1), "'");
  if (parts?.length !== 1) return undefined;
  const only = parts[0]!;
  if ("byte" in only) return BigInt(only.byte);
  const code = only.text.codePointAt(0);
  // A lone surrogate is a byte that is not UTF-8; Go reads such a byte as U+FFFD.
  const rune = code !== undefined && code >= 0xd800 && code < 0xe000 ? 0xfffd : code;
  return rune === undefined || String.fromCodePoint(code!).length !== only.text.length ? undefined : BigInt(rune);
}

const INTEGER =
  /^([+-]?)(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)$/;
const DECIMAL = /^[+-]?(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?$/;
const HEX_FLOAT = /^([+-]?)0[xX]_?([0-9a-fA-F_]*)\.?([0-9a-fA-F_]*)[pP]([+-]?\d(?:_?\d)*)$/;
const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 63n - 1n;
const UINT_MAX = 2n ** 64n - 1n;

/** A float literal in Go's syntax (decimal or hexadecimal); undefined when it is malformed or overflows. */
function parseFloat64(text: string): number | undefined {
  let value: number;
  const hex = HEX_FLOAT.exec(text);
  if (hex) {
    const [, sign, whole, fraction, exponent] = hex as unknown as [string, string, string, string, string];
    const digits = (whole + fraction).replaceAll("_", "");
    if (!digits || /__|_$/.test(whole + fraction)) return undefined;
    const scale = Number(exponent.replaceAll("_", "")) - 4 * fraction.replaceAll("_", "").length;
    value = Number(BigInt(`0x${digits}`)) * 2 ** scale * (sign === "-" ? -1 : 1);
  } else if (DECIMAL.test(text)) value = Number(text.replaceAll("_", ""));
  else return undefined;
  return Number.isFinite(value) ? value : undefined;
}

function parseInteger(text: string): bigint | undefined {
  const match = INTEGER.exec(text);
  if (!match) return undefined;
  const digits = text.slice(match[1]!.length).replaceAll("_", "");
  // A leading zero alone means octal in Go, and is a syntax error in BigInt.
  const value = BigInt(/^0[0-7]/.test(digits) ? `0o${digits}` : digits);
  return match[1] === "-" ? -value : value;
}

/**
 * The ideal constant that a number token stands for (int before float, unless the text has a point or an exponent),
 * or a message why it is none. The value undefined means: fits uint64 but not int.
 */
export function parseNumber(
  text: string,
  type: "charConstant" | "complex" | "number",
): { value: NumberNode["value"] } | string {
  if (type === "charConstant") {
    const value = unquoteChar(text);
    return value === undefined ? `malformed character constant: ${text}` : { value };
  }
  if (text.length > NUMBER_LENGTH_MAX) return `a number of more than ${NUMBER_LENGTH_MAX} characters`;
  if (text.endsWith("i")) {
    // The sign between the two parts is the last one that does not belong to an exponent.
    const parts = type === "complex" ? /^(.*[^eEpP])([+-].*)i$/.exec(text) : undefined;
    const re = parts ? parseFloat64(parts[1]!) : 0;
    const im = parseFloat64(parts ? parts[2]! : text.slice(0, -1));
    if (re !== undefined && im !== undefined) return { value: { kind: "complex", re, im } };
    return `illegal number syntax: "${text}"`;
  }
  const integer = parseInteger(text);
  if (integer !== undefined && integer >= INT_MIN && integer <= INT_MAX) return { value: integer };
  if (integer !== undefined && integer <= UINT_MAX && /^\d/.test(text)) return { value: undefined };
  const float = parseFloat64(text);
  if (float === undefined) return `illegal number syntax: "${text}"`;
  return /[.eEpP]/.test(text) ? { value: float } : `integer overflow: "${text}"`;
}
