import { Fault } from "./errors.ts";

const KEYWORDS = [
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "nil",
  "range",
  "template",
  "with",
] as const;
type Keyword = (typeof KEYWORDS)[number];

type TokenType =
  | Keyword
  | "assign"
  | "bool"
  | "char"
  | "charConstant"
  | "complex"
  | "declare"
  | "dot"
  | "eof"
  | "field"
  | "identifier"
  | "leftDelim"
  | "leftParen"
  | "number"
  | "pipe"
  | "rawString"
  | "rightDelim"
  | "rightParen"
  | "space"
  | "string"
  | "text"
  | "variable";

export interface Token {
  readonly type: TokenType;
  /** Offset of the first character; of `-}}` that of the blank before it, which belongs to the delimiter. */
  readonly pos: number;
  readonly text: string;
}

const LEFT_DELIM = "{{";
const LEFT_COMMENT = "/*";
const RIGHT_COMMENT = "*/";

const SPACES = " \t\r\n";
/** What may follow a word: nothing else ends one, so that `$x+2` stays free for a meaning. */
const TERMINATORS = `${SPACES}.,|:)(}`;
const ALPHANUMERIC = /[_\p{L}\p{Nd}]+/uy;
/** Loose: what it lets through wrongly, the literal's own syntax refuses. */
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y;

/** Splits a template into tokens on demand, as Go's text/template/parse does; throws a Fault where that is impossible. */
export class Lexer {
  readonly #input: string;
  #pos = 0;
  #insideAction = false;
  #parenDepth = 0;
  #actionStart = 0;

  constructor(input: string) {
    this.#input = input;
  }

  nextItem(): Token {
    return this.#insideAction ? this.#lexInsideAction() : this.#lexText();
  }

  /** Goes on behind the action that `from` lies in: at the next `}}`, or before it at a `{{`. */
  skipAction(from: number): void {
    const closed = this.#input.indexOf("}}", from);
    const opened = this.#input.indexOf(LEFT_DELIM, from + 1);
    if (closed < 0 && opened < 0) this.#pos = this.#input.length;
    else this.#pos = closed < 0 || (opened >= 0 && opened < closed) ? opened : closed + 2;
    this.#insideAction = false;
  }

  #isSpace(at: number): boolean {
    return at < this.#input.length && SPACES.includes(this.#input[at]!);
  }

  #spacesEnd(start: number): number {
    let at = start;
    while (this.#isSpace(at)) at++;
    return at;
  }

  /** Length of a `}}` at an offset, of ` -}}` with the blank; 0 when there is none. */
  #rightDelim(at = this.#pos): number {
    if (this.#input.startsWith("}}", at)) return 2;
    return this.#isSpace(at) && this.#input.startsWith("-}}", at + 1) ? 4 : 0;
  }

  /** Where the letters, digits and `_` at an offset end. Only other letters than ASCII's take a regular expression. */
  #wordEnd(start: number): number {
    let at = start;
    while (isWord(this.#input.charCodeAt(at))) at++;
    if (!(this.#input.charCodeAt(at) >= 0x80)) return at;
    return this.#match(ALPHANUMERIC, start) ?? at;
  }

  /** Where the match of a sticky expression ends. */
  #match(pattern: RegExp, start: number): number | undefined {
    pattern.lastIndex = start;
    return pattern.test(this.#input) ? pattern.lastIndex : undefined;
  }

  #emit(type: TokenType, length: number): Token {
    const pos = this.#pos;
    this.#pos += length;
    return { type, pos, text: this.#input.slice(pos, this.#pos) };
  }

  #lexText(): Token {
    for (;;) {
      const start = this.#pos;
      const delim = this.#input.indexOf(LEFT_DELIM, start);
      if (delim < 0) return this.#emit(start < this.#input.length ? "text" : "eof", this.#input.length - start);
      const behind = delim + LEFT_DELIM.length;
      // `-` and a blank behind `{{`: the text in front loses its trailing white space.
      const trims = this.#input[behind] === "-" && this.#isSpace(behind + 1);
      const end = trims ? this.#trimLeft(start, delim) : delim;
      this.#pos = delim;
      if (end > start) return { type: "text", pos: start, text: this.#input.slice(start, end) };
      const inner = trims ? behind + 2 : behind;
      // A comment may stand right behind `{{- `, the blank included.
      if (!this.#input.startsWith(LEFT_COMMENT, inner)) return this.#lexLeftDelim(inner - delim);
      this.#lexComment(inner);
    }
  }

  #lexLeftDelim(length: number): Token {
    this.#insideAction = true;
    this.#actionStart = this.#pos;
    this.#parenDepth = 0;
    return this.#emit("leftDelim", length);
  }

  #lexComment(start: number): void {
    const end = this.#input.indexOf(RIGHT_COMMENT, start + LEFT_COMMENT.length);
    if (end < 0) throw new Fault("unclosed", start, "the comment is never closed: `*/}}` is missing");
    this.#pos = end + RIGHT_COMMENT.length;
    const delim = this.#rightDelim();
    if (delim === 0)
      throw new Fault("syntax", this.#pos, "a comment must end with `*/}}` or `*/ -}}`, nothing in between");
    this.#pos += delim;
    if (delim > 2) this.#trimRight();
  }

  #lexRightDelim(delim: number): Token {
    if (this.#parenDepth > 0) throw new Fault("unclosed", this.#pos, "a parenthesis is not closed before `}}`");
    const token = this.#emit("rightDelim", delim);
    this.#insideAction = false;
    if (delim > 2) this.#trimRight();
    return token;
  }

  /** The end of a text without the white space behind it. */
  #trimLeft(start: number, end: number): number {
    let at = end;
    while (at > start && this.#isSpace(at - 1)) at--;
    return at;
  }

  #trimRight(): void {
    this.#pos = this.#spacesEnd(this.#pos);
  }

  #lexInsideAction(): Token {
    const delim = this.#rightDelim();
    if (delim > 0) return this.#lexRightDelim(delim);
    const char = this.#input[this.#pos];
    switch (char) {
      case undefined:
        throw new Fault("unclosed", this.#actionStart, "the action is never closed: `}}` is missing");
      case " ":
      case "\t":
      case "\r":
      case "\n":
        return this.#lexSpace();
      case "=":
        return this.#emit("assign", 1);
      case ":":
        if (this.#input[this.#pos + 1] === "=") return this.#emit("declare", 2);
        throw new Fault("syntax", this.#pos, "unexpected `:`; a variable is declared with `:=`");
      case "|":
        return this.#emit("pipe", 1);
      case '"':
        return this.#lexQuote(char, "string");
      case "'":
        return this.#lexQuote(char, "charConstant");
      case "`":
        return this.#lexRawQuote();
      case "$":
        return this.#lexVariable();
      case "(":
        this.#parenDepth++;
        return this.#emit("leftParen", 1);
      case ")":
        if (--this.#parenDepth < 0) throw new Fault("syntax", this.#pos, "unexpected `)`: no parenthesis is open");
        return this.#emit("rightParen", 1);
      case ".":
        return isDigit(this.#input[this.#pos + 1]) ? this.#lexNumber() : this.#lexField();
      default:
        if (this.#input.startsWith(LEFT_DELIM, this.#pos)) {
          throw new Fault(
            "unclosed",
            this.#actionStart,
            "the action is not closed before the next one: `}}` is missing",
          );
        }
        if (isDigit(char) || char === "+" || char === "-") return this.#lexNumber();
        if (this.#wordEnd(this.#pos) > this.#pos) return this.#lexIdentifier();
        if (char > " " && char <= "~") return this.#emit("char", 1);
        throw new Fault("syntax", this.#pos, `unexpected ${describe(this.#input, this.#pos)} in an action`);
    }
  }

  #lexSpace(): Token {
    const end = this.#spacesEnd(this.#pos);
    // The last blank belongs to ` -}}`; when it is the only one, #lexInsideAction has seen the delimiter already.
    return this.#emit("space", end - this.#pos - (this.#rightDelim(end - 1) > 0 ? 1 : 0));
  }

  /** Up to the closing quote; an escape takes any next character but the end of the line. */
  #lexQuote(quote: '"' | "'", type: TokenType): Token {
    // No regular expression: V8 keeps a way back for every character of such a loop, and runs out of stack on long ones.
    for (let at = this.#pos + 1; at < this.#input.length && this.#input[at] !== "\n"; at++) {
      if (this.#input[at] === quote) return this.#emit(type, at + 1 - this.#pos);
      if (this.#input[at] === "\\" && this.#input[at + 1] !== "\n") at++;
    }
    throw new Fault("unclosed", this.#pos, `a ${quote} is not closed before the end of the line`);
  }

  #lexRawQuote(): Token {
    const end = this.#input.indexOf("`", this.#pos + 1);
    if (end < 0) throw new Fault("unclosed", this.#pos, "a ` is never closed");
    return this.#emit("rawString", end + 1 - this.#pos);
  }

  /** `$`, `$x`; a field behind it is a token of its own. */
  #lexVariable(): Token {
    return this.#emit("variable", this.#terminated(this.#pos + 1) - this.#pos);
  }

  /** `.` or `.X`. */
  #lexField(): Token {
    const length = this.#terminated(this.#pos + 1) - this.#pos;
    return this.#emit(length > 1 ? "field" : "dot", length);
  }

  #lexIdentifier(): Token {
    const end = this.#terminated(this.#pos);
    const word = this.#input.slice(this.#pos, end);
    const keyword = KEYWORDS.find((k) => k === word);
    return this.#emit(keyword ?? (word === "true" || word === "false" ? "bool" : "identifier"), end - this.#pos);
  }

  /** The end of a word, which something must stand behind that can end it. */
  #terminated(start: number): number {
    const end = this.#wordEnd(start);
    if (end === this.#input.length || TERMINATORS.includes(this.#input[end]!)) return end;
    const word = this.#input.slice(this.#pos, end);
    throw new Fault("syntax", end, `unexpected ${describe(this.#input, end)} after \`${word}\``);
  }

  #lexNumber(): Token {
    const first = this.#match(NUMBER, this.#pos)!;
    const complex = this.#input[first] === "+" || this.#input[first] === "-";
    const end = complex ? this.#match(NUMBER, first)! : first;
    const wordEnd = this.#wordEnd(end);
    if (wordEnd > end || (complex && this.#input[end - 1] !== "i")) {
      throw new Fault("syntax", this.#pos, `bad number syntax: "${this.#input.slice(this.#pos, wordEnd)}"`);
    }
    return this.#emit(complex ? "complex" : "number", end - this.#pos);
  }
}

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= "0" && char <= "9";

/** ASCII letters, digits and `_`. */
const isWord = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) || code === 0x5f;

/** The character at an offset, fit for a message. */
function describe(input: string, at: number): string {
  const code = input.codePointAt(at);
  if (code === undefined) return "end of the file";
  const char = String.fromCodePoint(code);
  return /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char)
    ? `\`${char}\``
    : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
