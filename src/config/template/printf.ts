import { encodeBytes, isAscii } from "./bytes.ts";
import { formatUnsigned } from "./float.ts";
import type { Host } from "./funcs.ts";
import { PRINTF_WIDTH_MAX } from "./limits.ts";
import type { Dialect } from "./node.ts";
import { canBackquote, isPrint, quote } from "./quote.ts";
import { sortedNames, typeName, type Value } from "./values.ts";

/** Flags, width and precision of one directive, as Go's fmt names them. */
interface Directive {
  plus: boolean;
  minus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  /** %+v and %#v, where the flags have a meaning of their own. */
  sharpV: boolean;
  width: number | undefined;
  precision: number | undefined;
}

const MAX_RUNE = 0x10ffff;

function runeCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The first characters of a text. */
function truncate(text: string, count: number | undefined): string {
  if (count === undefined || text.length <= count) return text;
  let length = 0;
  let left = count;
  for (const char of text) {
    if (left-- === 0) break;
    length += char.length;
  }
  return text.slice(0, length);
}

/** Pads with blanks, or with zeros on the left where the directive has the flag. */
function pad(text: string, { width, minus, zero }: Directive, zeros = zero): string {
  const missing = (width ?? 0) - (width && !isAscii(text) ? runeCount(text) : text.length);
  if (missing <= 0) return text;
  if (minus) return text + " ".repeat(missing);
  return (zeros ? "0" : " ").repeat(missing) + text;
}

const rune = (code: bigint): string =>
  code < 0n || code > MAX_RUNE || (code >= 0xd800n && code < 0xe000n) ? "\ufffd" : String.fromCodePoint(Number(code));

const BASES: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

function formatInteger(value: bigint, verb: string, d: Directive): string {
  const negative = value < 0n;
  const sign = negative ? "-" : d.plus ? "+" : d.space ? " " : "";
  let digits = (negative ? -value : value).toString(BASES[verb]);
  if (d.precision === 0 && value === 0n) return " ".repeat(d.width ?? 0);
  if (d.precision !== undefined) digits = digits.padStart(d.precision, "0");
  else if (d.zero && !d.minus && d.width !== undefined) digits = digits.padStart(d.width - sign.length, "0");
  if (d.sharp && verb === "b") digits = `0b${digits}`;
  if (d.sharp && BASES[verb] === 8 && !digits.startsWith("0")) digits = `0${digits}`;
  if (d.sharp && (verb === "x" || verb === "X")) digits = `0x${digits}`;
  if (verb === "O") digits = `0o${digits}`;
  return pad(sign + (verb === "X" ? digits.toUpperCase() : digits), d, false);
}

/** %U: U+0041, with # and a printable character also 'A'. */
function formatUnicode(value: bigint, d: Directive): string {
  const unsigned = BigInt.asUintN(64, value);
  const hex = unsigned
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(d.precision ?? 4, 4), "0");
  const char = rune(unsigned);
  return pad(d.sharp && unsigned <= MAX_RUNE && isPrint(char) ? `U+${hex} '${char}'` : `U+${hex}`, d, false);
}

/** Undefined where the verb does not fit. */
function formatInt(value: bigint, verb: string, d: Directive, unsigned: boolean): string | undefined {
  switch (verb) {
    case "c":
      return pad(rune(value), d);
    case "q":
      return pad(quote(rune(value), "'", d.plus), d);
    case "U":
      return formatUnicode(value, d);
    case "v":
      // In Go syntax unsigned integers are written in hexadecimal.
      if (d.sharpV && unsigned) return formatInteger(value, "x", { ...d, sharp: true });
      return formatInteger(value, verb, d);
    default:
      return BASES[verb] ? formatInteger(value, verb, d) : undefined;
  }
}

/** The flag #: a decimal point always, and of %g the zeros at the end as well. */
function sharpen(text: string, verb: string, precision: number | undefined): string {
  if (verb === "b") return text;
  const at = verb === "x" || verb === "X" ? text.search(/p/i) : text.search(/e/i);
  let head = at < 0 ? text : text.slice(0, at);
  const tail = at < 0 ? "" : text.slice(at);
  // As in Go the x of 0x counts as a digit.
  const significant = head.replace(".", "").replace(/^0+/, "").length;
  let digits = "gGx".includes(verb) ? (precision ?? 6) - significant : 0;
  if (!head.includes(".")) {
    if (head === "0") digits--;
    head += ".";
  }
  return head + "0".repeat(Math.max(digits, 0)) + tail;
}

function formatFloat(value: number, verb: string, d: Directive): string | undefined {
  if (!"vbgGxXfFeE".includes(verb)) return undefined;
  const letter = verb === "v" ? "g" : verb;
  const precision = d.precision ?? ("fFeE".includes(verb) ? 6 : undefined);
  const negative = value < 0 || Object.is(value, -0);
  const sign = negative ? "-" : d.plus ? "+" : d.space ? " " : "";
  if (!Number.isFinite(value)) return pad(Number.isNaN(value) ? `${sign}NaN` : `${sign || "+"}Inf`, d, false);
  let text = formatUnsigned(Math.abs(value), letter, precision);
  if (d.sharp) text = sharpen(text, letter, precision);
  if (d.zero && !d.minus && d.width !== undefined) return sign + text.padStart(d.width - sign.length, "0");
  return pad(sign + text, d);
}

/** %x and %X of a string: its bytes. */
function formatHex(text: string, verb: string, d: Directive): string {
  const bytes = encodeBytes(text).subarray(0, d.precision ?? Number.POSITIVE_INFINITY);
  const prefix = d.sharp && bytes.length > 0 ? "0x" : "";
  const pairs = Buffer.from(bytes).toString("hex");
  const hex = prefix + (d.space ? pairs.replace(/..(?=.)/g, `$& ${prefix}`) : pairs);
  return pad(verb === "X" ? hex.toUpperCase() : hex, d);
}

function formatString(text: string, verb: string, d: Directive): string | undefined {
  const cut = truncate(text, d.precision);
  switch (verb) {
    case "s":
      return pad(cut, d);
    case "v":
      if (!d.sharpV) return pad(cut, d);
      return pad(quote(cut, '"', false), d);
    case "q":
      return pad(d.sharp && canBackquote(cut) ? `\`${cut}\`` : quote(cut, '"', d.plus), d);
    case "x":
    case "X":
      return formatHex(text, verb, d);
    default:
      return undefined;
  }
}

class Printer {
  readonly #dialect: Dialect;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** One value by one verb, or Go's error form. */
  print(value: Value, verb: string, d: Directive): string {
    if (value === undefined) return verb === "v" || verb === "T" ? pad("<nil>", d) : `%!${verb}(<nil>)`;
    if (verb === "T") return formatString(typeName(value, this.#dialect), "s", d)!;
    return this.#byKind(value, verb, d) ?? `%!${verb}(${this.typed(value, d)})`;
  }

  /** type=value, as error forms show an argument. */
  typed(value: Value, d: Directive): string {
    return value === undefined ? "<nil>" : `${typeName(value, this.#dialect)}=${this.print(value, "v", d)}`;
  }

  #byKind(value: Exclude<Value, undefined>, verb: string, d: Directive): string | undefined {
    switch (typeof value) {
      case "boolean":
        return verb === "t" || verb === "v" ? pad(String(value), d) : undefined;
      case "bigint":
        return formatInt(value, verb, d, false);
      case "number":
        return formatFloat(value, verb, d);
      case "string":
        return formatString(value, verb, d);
      default:
        return this.#composite(value, verb, d);
    }
  }

  #composite(value: Extract<Value, object>, verb: string, d: Directive): string | undefined {
    switch (value.kind) {
      case "byte":
        return formatInt(BigInt(value.value), verb, d, true);
      case "complex": {
        const re = formatFloat(value.re, verb, d);
        return re && `(${re}${formatFloat(value.im, verb, { ...d, plus: true })}i)`;
      }
      case "list":
        // An address in Go: no configuration can want it, and no two runs agree on it.
        if (verb === "p") return undefined;
        return this.#elements(
          value,
          value.items.map((item) => this.print(item, verb, d)),
          d,
          "[",
          "]",
        );
      case "map": {
        if (verb === "p") return undefined;
        const pairs = sortedNames(value.entries).map(
          (name) => `${this.print(name, verb, d)}:${this.print(value.entries[name], verb, d)}`,
        );
        return this.#elements(value, pairs, d, "map[", "]");
      }
      default:
        return value satisfies never;
    }
  }

  #elements(value: Value, items: readonly string[], { sharpV }: Directive, open: string, close: string): string {
    if (sharpV) return `${typeName(value, this.#dialect)}{${items.join(", ")}}`;
    return open + items.join(" ") + close;
  }
}

/** Reads a format string; Go's doPrintf. */
class Format {
  readonly #format: string;
  readonly #args: readonly Value[];
  readonly #printer: Printer;
  readonly #host: Host;
  #at = 0;
  #arg = 0;
  /** An explicit index `[n]` was seen: then arguments left over are no mistake. */
  #reordered = false;
  #goodIndex = true;

  constructor(format: string, args: readonly Value[], host: Host) {
    this.#format = format;
    this.#args = args;
    this.#printer = new Printer(host.dialect);
    this.#host = host;
  }

  run(): string {
    let text = "";
    while (this.#at < this.#format.length) {
      const percent = this.#format.indexOf("%", this.#at);
      const end = percent < 0 ? this.#format.length : percent;
      text += this.#format.slice(this.#at, end);
      this.#at = end + 1;
      if (percent >= 0) text += this.#directive();
      const { lengthMax } = this.#host;
      if (text.length > lengthMax) this.#host.refuse(`the result is longer than ${lengthMax} characters`);
    }
    return text + this.#extra();
  }

  #extra(): string {
    if (this.#reordered || this.#arg >= this.#args.length) return "";
    const rest = this.#args.slice(this.#arg).map((arg) => this.#printer.typed(arg, plain()));
    return `%!(EXTRA ${rest.join(", ")})`;
  }

  #directive(): string {
    const d = plain();
    this.#goodIndex = true;
    this.#flags(d);
    let bad = "";
    let afterIndex = this.#argNumber();
    if (this.#accept("*")) {
      const width = this.#intArg();
      if (width === undefined) bad += "%!(BADWIDTH)";
      else if (width < 0) Object.assign(d, { minus: true, zero: false });
      d.width = width === undefined ? undefined : Math.abs(width);
      afterIndex = false;
    } else {
      d.width = this.#number();
      if (afterIndex && d.width !== undefined) this.#goodIndex = false;
    }
    if (this.#accept(".")) {
      if (afterIndex) this.#goodIndex = false;
      afterIndex = this.#argNumber();
      if (this.#accept("*")) {
        const precision = this.#intArg();
        d.precision = precision === undefined || precision < 0 ? undefined : precision;
        // A negative precision counts as none, and fmt reports it as a bad one.
        if (d.precision === undefined) bad += "%!(BADPREC)";
        afterIndex = false;
      } else d.precision = this.#number() ?? 0;
    }
    if (!afterIndex) this.#argNumber();
    return bad + this.#verb(d);
  }

  #verb(d: Directive): string {
    const code = this.#format.codePointAt(this.#at);
    if (code === undefined) return "%!(NOVERB)";
    const verb = String.fromCodePoint(code);
    this.#at += verb.length;
    if (verb === "%") return "%";
    if (!this.#goodIndex) return `%!${verb}(BADINDEX)`;
    if (this.#arg >= this.#args.length) return `%!${verb}(MISSING)`;
    if (verb === "v" || verb === "w") Object.assign(d, { sharpV: d.sharp, sharp: false, plus: false });
    return this.#printer.print(this.#args[this.#arg++], verb, d);
  }

  #flags(d: Directive): void {
    for (;;) {
      if (this.#accept("#")) d.sharp = true;
      else if (this.#accept("0")) d.zero = true;
      else if (this.#accept("+")) d.plus = true;
      else if (this.#accept("-")) d.minus = true;
      else if (this.#accept(" ")) d.space = true;
      else return;
    }
  }

  #accept(char: string): boolean {
    if (this.#format[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** Decimal digits; where they go on behind a number that is too large, the rest of the format is lost, as in Go. */
  #number(): number | undefined {
    let value: number | undefined;
    for (;;) {
      const digit = this.#format[this.#at] ?? "";
      if (!/[0-9]/.test(digit)) return value;
      if ((value ?? 0) > PRINTF_WIDTH_MAX) {
        this.#at = this.#format.length;
        return undefined;
      }
      value = (value ?? 0) * 10 + Number(digit);
      this.#at++;
    }
  }

  /** `*`: an int of the arguments. */
  #intArg(): number | undefined {
    const arg = this.#arg < this.#args.length ? this.#args[this.#arg++] : undefined;
    const value =
      typeof arg === "object" && arg.kind === "byte" ? arg.value : typeof arg === "bigint" ? Number(arg) : undefined;
    return value !== undefined && Math.abs(value) <= PRINTF_WIDTH_MAX ? value : undefined;
  }

  /** `[n]`: the next argument is the n-th. */
  #argNumber(): boolean {
    if (this.#format[this.#at] !== "[") return false;
    this.#reordered = true;
    const close = this.#format.indexOf("]", this.#at);
    const digits = close < 0 ? "" : this.#format.slice(this.#at + 1, close);
    this.#at = close < 0 ? this.#at + 1 : close + 1;
    const index = /^\d{1,7}$/.test(digits) ? Number(digits) : 0;
    if (index >= 1 && index <= this.#args.length) this.#arg = index - 1;
    else this.#goodIndex = false;
    return /^\d{1,7}$/.test(digits);
  }
}

const plain = (): Directive => ({
  plus: false,
  minus: false,
  sharp: false,
  space: false,
  zero: false,
  sharpV: false,
  width: undefined,
  precision: undefined,
});

/** fmt.Sprintf, error forms included; refused when the result would be too long. */
export const printf = (format: string, args: readonly Value[], host: Host): string =>
  new Format(format, args, host).run();
