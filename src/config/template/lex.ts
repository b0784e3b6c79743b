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

export type TokenType =
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

/** `-` and a blank after `{{`: the text before loses its trailing white space. */
const LEFT_TRIM = /-[ \t\r\n]/y;
/** `}}`, or a blank, `-` and `}}`: then the text behind loses its leading white space. */
const RIGHT_DELIM = /([ \t\r\n]-)?\}\}/y;
const SPACES = /[ \t\r\n]+/y;
/** Up to the closing quote; an escape takes any next character but the end of the line. */
const QUOTED = { '"': /"(?:\\[^\n]|[^"\\\n])*"/y, "'": /'(?:\\[^\n]|[^'\\\n])*'/y };
const ASCII_WORD = /\w*/y;
const ALPHANUMERIC = /[_\p{L}\p{Nd}]+/uy;
/** What may follow a word: nothing else ends one, so that `$x+2` stays free for a meaning. */
const TERMINATOR = /[ \t\r\n.,|:)(}]|$/y;
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

  /** The match of a sticky expression at the current position; it is not consumed. */
  #match(pattern: RegExp, at = this.#pos): string | undefined {
    pattern.lastIndex = at;
    return pattern.exec(this.#input)?.[0];
  }

  /** The letters, digits and `_` at an offset. The expression for all of Unicode is slow to compile, and rarely needed. */
  #word(at = this.#pos): string {
    const word = this.#match(ASCII_WORD, at)!;
    return this.#input.charCodeAt(at + word.length) >= 0x80 ? (this.#match(ALPHANUMERIC, at) ?? word) : word;
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
      const marker = this.#match(LEFT_TRIM, delim + LEFT_DELIM.length);
      const end = marker ? this.#trimLeft(start, delim) : delim;
      this.#pos = delim;
      if (end > start) return { type: "text", pos: start, text: this.#input.slice(start, end) };
      const inner = delim + LEFT_DELIM.length + (marker ? marker.length : 0);
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
    const delim = this.#match(RIGHT_DELIM);
    if (!delim) throw new Fault("syntax", this.#pos, "a comment must end with `*/}}` or `*/ -}}`, nothing in between");
    this.#pos += delim.length;
    if (delim.length > 2) this.#trimRight();
  }

  #lexRightDelim(delim: string): Token {
    if (this.#parenDepth > 0) throw new Fault("unclosed", this.#pos, "a parenthesis is not closed before `}}`");
    const token = this.#emit("rightDelim", delim.length);
    this.#insideAction = false;
    if (delim.length > 2) this.#trimRight();
    return token;
  }

  /** The end of a text without the white space behind it. */
  #trimLeft(start: number, end: number): number {
    let at = end;
    while (at > start && " \t\r\n".includes(this.#input[at - 1]!)) at--;
    return at;
  }

  #trimRight(): void {
    this.#pos += this.#match(SPACES)?.length ?? 0;
  }

  #lexInsideAction(): Token {
    const delim = this.#match(RIGHT_DELIM);
    if (delim) return this.#lexRightDelim(delim);
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
        if (!/[0-9]/.test(this.#input[this.#pos + 1] ?? "")) return this.#lexField();
        return this.#lexNumber();
      default:
        if (this.#input.startsWith(LEFT_DELIM, this.#pos)) {
          throw new Fault(
            "unclosed",
            this.#actionStart,
            "the action is not closed before the next one: `}}` is missing",
          );
        }
        if (/[-+0-9]/.test(char)) return this.#lexNumber();
        if (this.#word()) return this.#lexIdentifier();
        if (char > " " && char <= "~") return this.#emit("char", 1);
        throw new Fault("syntax", this.#pos, `unexpected ${describe(this.#input, this.#pos)} in an action`);
    }
  }

  #lexSpace(): Token {
    const length = this.#match(SPACES)!.length;
    // The last blank belongs to ` -}}`; when it is the only one, #lexInsideAction has seen the delimiter already.
    const trimmed = this.#match(RIGHT_DELIM, this.#pos + length - 1);
    return this.#emit("space", trimmed ? length - 1 : length);
  }

  #lexQuote(quote: '"' | "'", type: TokenType): Token {
    const literal = this.#match(QUOTED[quote]);
    if (!literal) throw new Fault("unclosed", this.#pos, `a ${quote} is not closed before the end of the line`);
    return this.#emit(type, literal.length);
  }

  #lexRawQuote(): Token {
    const end = this.#input.indexOf("`", this.#pos + 1);
    if (end < 0) throw new Fault("unclosed", this.#pos, "a ` is never closed");
    return this.#emit("rawString", end + 1 - this.#pos);
  }

  /** `$`, `$x`; a field behind it is a token of its own. */
  #lexVariable(): Token {
    return this.#emit("variable", this.#wordEnd(this.#pos + 1) - this.#pos);
  }

  /** `.` or `.X`. */
  #lexField(): Token {
    const length = this.#wordEnd(this.#pos + 1) - this.#pos;
    return this.#emit(length > 1 ? "field" : "dot", length);
  }

  #lexIdentifier(): Token {
    const length = this.#wordEnd(this.#pos) - this.#pos;
    const word = this.#input.slice(this.#pos, this.#pos + length);
    const keyword = KEYWORDS.find((k) => k === word);
    return this.#emit(keyword ?? (word === "true" || word === "false" ? "bool" : "identifier"), length);
  }

  #wordEnd(start: number): number {
    const end = start + this.#word(start).length;
    if (this.#match(TERMINATOR, end) !== undefined) return end;
    const word = this.#input.slice(this.#pos, end);
    throw new Fault("syntax", end, `unexpected ${describe(this.#input, end)} after \`${word}\``);
  }

  #lexNumber(): Token {
    let length = this.#match(NUMBER)!.length;
    const second = /[+-]/.test(this.#input[this.#pos + length] ?? "") ? this.#match(NUMBER, this.#pos + length)! : "";
    length += second.length;
    const text = this.#input.slice(this.#pos, this.#pos + length);
    if ((second && !second.endsWith("i")) || this.#word(this.#pos + length)) {
      const word = text + this.#word(this.#pos + length);
      throw new Fault("syntax", this.#pos, `bad number syntax: "${word}"`);
    }
    return this.#emit(second ? "complex" : "number", length);
  }
}

/** The character at an offset, fit for a message. */
function describe(input: string, at: number): string {
  const code = input.codePointAt(at);
  if (code === undefined) return "end of the file";
  const char = String.fromCodePoint(code);
  return /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char)
    ? `\`${char}\``
    : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
