import { actionAround, Fault, type TemplateError, toError } from "./errors.ts";
import { Lexer, type Token } from "./lex.ts";
import { ERRORS_MAX, NESTING_MAX, NODES_MAX } from "./limits.ts";

/** The tokens of a text with as much push-back as the grammar needs, the faults found so far, and the parser's bounds. */
export class TokenStream {
  /** Behind the `}}` that was read last. */
  actionEnd = 0;
  readonly errors: TemplateError[] = [];
  readonly #text: string;
  readonly #lexer: Lexer;
  /** Tokens pushed back, the next one last. */
  readonly #pending: Token[] = [];
  #depth = 0;
  #nodes = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lexer = new Lexer(text);
  }

  /** Runs one parsing step; a fault in it is noted, the rest of its action skipped, and `instead` stands for it. */
  recover<T>(step: () => T, instead: T): T {
    const depth = this.#depth;
    try {
      return step();
    } catch (fault) {
      if (!(fault instanceof Fault) || fault.code === "limit" || fault.code === "missing-end") throw fault;
      this.report(fault);
      this.#pending.length = 0;
      this.#depth = depth;
      this.#lexer.skipAction(fault.at);
      return instead;
    }
  }

  /** Notes a fault behind which parsing can go on. */
  report(fault: Fault): void {
    // What an unclosed action swallowed was text, and found fault with for nothing.
    if (fault.code === "unclosed") while ((this.errors.at(-1)?.at ?? 0) > fault.at) this.errors.pop();
    if (this.errors.length >= ERRORS_MAX) throw new Fault("limit", fault.at, "too many errors, the rest was not read");
    this.errors.push(toError(fault, "parse", actionAround(this.#text, fault.at)));
  }

  next(): Token {
    const token = this.#pending.pop() ?? this.#lexer.nextItem();
    if (token.type === "rightDelim") this.actionEnd = token.pos + token.text.length;
    return token;
  }

  backup(token: Token): void {
    this.#pending.push(token);
  }

  peek(): Token {
    const token = this.next();
    this.backup(token);
    return token;
  }

  nextNonSpace(): Token {
    let token = this.next();
    while (token.type === "space") token = this.next();
    return token;
  }

  peekNonSpace(): Token {
    const token = this.nextNonSpace();
    this.backup(token);
    return token;
  }

  unexpected(token: Token, context: string, hint = ""): never {
    const what = token.type === "rightDelim" ? "end of the action" : `\`${shorten(token.text)}\``;
    throw new Fault("syntax", token.pos, `unexpected ${what} in ${context}${hint}`);
  }

  expect(type: Token["type"], context: string): void {
    const token = this.nextNonSpace();
    if (token.type !== type) this.unexpected(token, context);
  }

  /** Guards a recursion of the parser. */
  nested<T>(pos: number, step: () => T): T {
    if (++this.#depth > NESTING_MAX) throw new Fault("limit", pos, `nested more than ${NESTING_MAX} levels deep`);
    const result = step();
    this.#depth--;
    return result;
  }

  /** Counts what the tree is made of. */
  countNode(pos: number): void {
    if (++this.#nodes > NODES_MAX) throw new Fault("limit", pos, `the template has more than ${NODES_MAX} parts`);
  }
}

/** A piece of the text, fit for a message. */
export const shorten = (text: string): string => (text.length > 30 ? `${text.slice(0, 30)}…` : text);
