/**
 * A JSON5 reader: a superset of the JSON of ContainerPilot 2 and of the JSON5 dialect of ContainerPilot 3. Without marks it
 * only makes values; with them it also notes where each key and value stands, which only messages and `cpctl` ask for.
 */

/** Where a member or an item stands: offsets in UTF-16 units. `key` is absent for items of lists. */
export interface Mark {
  key?: number;
  value: number;
  /** Just behind the value. */
  end: number;
}

export interface Marks {
  /** By the object or list that holds them. */
  of: Map<object, Map<string | number, Mark>>;
  /** Where a key stands a second time; the last one counts. */
  repeated: { offset: number; first: number; key: string }[];
}

export interface Fault {
  code: "syntax" | "too-deep";
  offset: number;
  /** What could stand there, in words. */
  expected: string;
  /** The key whose value should stand there. */
  key?: string;
  /** Opening brackets not yet closed, where the text ends too early: the innermost one's offset. */
  open?: number;
}

export type Json5 = { ok: true; value: unknown } | { ok: false; fault: Fault };

/** Reads one value and nothing behind it. Objects and lists may lie `depthMax` inside one another. */
export function readJson5(text: string, depthMax: number, marks?: Marks): Json5 {
  const reader = new Reader(text, depthMax, marks);
  try {
    return { ok: true, value: reader.document() };
  } catch (error) {
    if (error instanceof Stop) return { ok: false, fault: error.fault };
    throw error;
  }
}

/** Keys that stand a second time in their object; none where the text cannot be read. */
export function findRepeated(text: string, depthMax: number): Marks["repeated"] {
  const marks: Marks = { of: new Map(), repeated: [] };
  return readJson5(text, depthMax, marks).ok ? marks.repeated : [];
}

/** Unwinds the reader; never leaves this file. */
class Stop {
  readonly fault: Fault;
  constructor(fault: Fault) {
    this.fault = fault;
  }
}

const SPACE = /(?:[\s\ufeff]+|\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?\*\/)*/y;
const NUMBER =
  /[+-]?(?:0[xX][\da-fA-F]+|Infinity|NaN|(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)(?![\w$.])/y;
const NAME = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;
const PLAIN = { '"': /[^"\\\n\r]*/y, "'": /[^'\\\n\r]*/y };
const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", "0": "\0" };
const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

class Reader {
  readonly #text: string;
  readonly #depthMax: number;
  readonly #marks: Marks | undefined;
  #at = 0;
  #open: number[] = [];

  constructor(text: string, depthMax: number, marks: Marks | undefined) {
    this.#text = text;
    this.#depthMax = depthMax;
    this.#marks = marks;
  }

  document(): unknown {
    this.#space();
    const value = this.#value("a value");
    this.#space();
    if (this.#at < this.#text.length) this.#fail("nothing more: the top-level value has ended");
    return value;
  }

  #fail(expected: string, key?: string): never {
    const open = this.#at >= this.#text.length ? this.#open.at(-1) : undefined;
    throw new Stop({
      code: "syntax",
      offset: this.#at,
      expected,
      ...(key !== undefined && { key }),
      ...(open !== undefined && { open }),
    });
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found) this.#at += found.length;
    return found;
  }

  #space(): void {
    this.#match(SPACE);
    if (this.#text.startsWith("/*", this.#at)) {
      throw new Stop({ code: "syntax", offset: this.#at, expected: "*/ at the end of the comment" });
    }
  }

  #value(expected: string, key?: string): unknown {
    const first = this.#text[this.#at];
    if (first === "{") return this.#container(() => this.#object());
    if (first === "[") return this.#container(() => this.#list());
    if (first === '"' || first === "'") return this.#string(first);
    const number = this.#match(NUMBER);
    if (number !== undefined) return toNumber(number);
    const start = this.#at;
    const word = this.#match(NAME);
    if (word !== undefined && WORDS.has(word)) return WORDS.get(word);
    this.#at = start;
    return this.#fail(expected, key);
  }

  #container<T>(read: () => T): T {
    if (this.#open.length >= this.#depthMax) {
      throw new Stop({ code: "too-deep", offset: this.#at, expected: "" });
    }
    this.#open.push(this.#at);
    this.#at += 1;
    const value = read();
    this.#open.pop();
    return value;
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    const marks = this.#newMarks(object);
    for (let first = true; ; first = false) {
      this.#space();
      if (this.#ends("}")) return object;
      const keyAt = this.#at;
      const key = this.#key(first);
      this.#space();
      if (this.#text[this.#at] !== ":") this.#fail("a colon", key);
      this.#at += 1;
      this.#space();
      const valueAt = this.#at;
      const value = this.#value("a value", key);
      const before = marks?.get(key);
      if (before) this.#marks?.repeated.push({ offset: keyAt, first: before.key as number, key });
      marks?.set(key, { key: keyAt, value: valueAt, end: this.#at });
      // Not an assignment: the key may be __proto__.
      Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      if (!this.#comma("}")) return object;
    }
  }

  #list(): unknown[] {
    const list: unknown[] = [];
    const marks = this.#newMarks(list);
    for (;;) {
      this.#space();
      if (this.#ends("]")) return list;
      const valueAt = this.#at;
      const value = this.#value(list.length === 0 ? "a value or ]" : "a value");
      marks?.set(list.length, { value: valueAt, end: this.#at });
      list.push(value);
      if (!this.#comma("]")) return list;
    }
  }

  #newMarks(container: object): Map<string | number, Mark> | undefined {
    const marks = this.#marks && new Map<string | number, Mark>();
    if (marks) this.#marks?.of.set(container, marks);
    return marks;
  }

  #ends(close: string): boolean {
    if (this.#text[this.#at] !== close) return false;
    this.#at += 1;
    return true;
  }

  /** Whether a comma follows; without one the container must end here. */
  #comma(close: string): boolean {
    this.#space();
    if (this.#ends(",")) return true;
    return this.#ends(close) ? false : this.#fail(`a comma or ${close}`);
  }

  #key(first: boolean): string {
    const quote = this.#text[this.#at];
    if (quote === '"' || quote === "'") return this.#string(quote);
    return this.#match(NAME) ?? this.#fail(first ? "a key or }" : "a key");
  }

  #string(quote: '"' | "'"): string {
    const start = this.#at;
    this.#at += 1;
    let value = "";
    for (;;) {
      value += this.#match(PLAIN[quote]) ?? "";
      const unit = this.#text[this.#at];
      if (unit === quote) {
        this.#at += 1;
        return value;
      }
      if (unit !== "\\") {
        this.#at = start;
        this.#fail(`${quote} at the end of the text, on the same line`);
      }
      value += this.#escape();
    }
  }

  #escape(): string {
    const unit = this.#text[this.#at + 1] ?? "";
    const digits = unit === "u" ? 4 : unit === "x" ? 2 : 0;
    if (digits > 0) {
      const hex = this.#text.slice(this.#at + 2, this.#at + 2 + digits);
      if (hex.length < digits || /[^\da-fA-F]/.test(hex)) this.#fail(`${digits} hexadecimal digits after \\${unit}`);
      this.#at += 2 + digits;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    if (/^[1-9]$/.test(unit)) this.#fail("no digit after a backslash");
    this.#at += unit === "\r" && this.#text[this.#at + 2] === "\n" ? 3 : 2;
    return /^[\n\r\u2028\u2029]$/.test(unit) ? "" : (ESCAPES[unit] ?? unit);
  }
}

function toNumber(text: string): number {
  const digits = /^[+-]/.test(text) ? text.slice(1) : text;
  return text.startsWith("-") ? -Number(digits) : Number(digits);
}
