import { actionAround, Fault, type TemplateError, toError } from "./errors.ts";
import { FUNCTIONS, functionNames } from "./funcs.ts";
import { Lexer, type Token } from "./lex.ts";
import { ERRORS_MAX, NESTING_MAX, NODES_MAX, TEXT_LENGTH_MAX, VARIABLES_MAX } from "./limits.ts";
import { parseNumber, unquote } from "./literal.ts";
import type {
  BranchNode,
  CommandNode,
  Dialect,
  JumpNode,
  ListNode,
  Needs,
  Node,
  OperandNode,
  PipeNode,
  Span,
  Template,
  TemplateNode,
} from "./node.ts";

/** `{{ end }}` and `{{ else }}` end a list and are no nodes of the tree. */
interface EndMark {
  readonly kind: "end";
  readonly pos: number;
}

interface ElseMark {
  readonly kind: "else";
  readonly pos: number;
  /** The keyword of an `{{ else if }}` or `{{ else with }}`, which is the next token then. */
  readonly next: "if" | "with" | undefined;
}

type Mark = EndMark | ElseMark;

const ROOT = "";

/**
 * Parses one template text, as Go's text/template/parse does. Go stops at the first fault; this parser goes on behind
 * the action at fault, so that one look at a file shows all of them.
 */
export class Parser {
  readonly #text: string;
  readonly #dialect: Dialect;
  readonly #lexer: Lexer;
  readonly #errors: TemplateError[] = [];
  readonly #templates = new Map<string, ListNode>();
  readonly #needs: Needs = { more: false, regex: false };
  /** Tokens pushed back, the next one last. */
  readonly #pending: Token[] = [];
  #vars: string[] = ["$"];
  #rangeDepth = 0;
  #depth = 0;
  #nodes = 0;
  /** Behind the `}}` that was read last. */
  #actionEnd = 0;

  constructor(text: string, dialect: Dialect) {
    this.#text = text;
    this.#dialect = dialect;
    this.#lexer = new Lexer(text);
  }

  /** The template, or all that is wrong with it in the order of the text. */
  parse(): Template | TemplateError[] {
    try {
      if (this.#text.length > TEXT_LENGTH_MAX) {
        throw new Fault("limit", 0, `the text is longer than ${TEXT_LENGTH_MAX} characters`);
      }
      this.#define(ROOT, this.#parse(), 0);
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      this.#errors.push(toError(fault, "parse", actionAround(this.#text, fault.at)));
    }
    if (this.#errors.length > 0) return this.#errors;
    const root = this.#templates.get(ROOT)!;
    return { text: this.#text, dialect: this.#dialect, root, templates: this.#templates, needs: this.#needs };
  }

  /** Runs one parsing step; a fault in it is noted, the rest of its action skipped, and `instead` stands for it. */
  #recover<T>(step: () => T, instead: T): T {
    const depth = this.#depth;
    try {
      return step();
    } catch (fault) {
      if (!(fault instanceof Fault) || fault.code === "limit" || fault.code === "missing-end") throw fault;
      this.#report(fault);
      this.#pending.length = 0;
      this.#depth = depth;
      this.#lexer.skipAction(fault.at);
      return instead;
    }
  }

  #report(fault: Fault): void {
    if (this.#errors.length >= ERRORS_MAX) throw new Fault("limit", fault.at, "too many errors, the rest was not read");
    this.#errors.push(toError(fault, "parse", actionAround(this.#text, fault.at)));
  }

  #next(): Token {
    const token = this.#pending.pop() ?? this.#lexer.nextItem();
    if (token.type === "rightDelim") this.#actionEnd = token.pos + token.text.length;
    return token;
  }

  #backup(token: Token): void {
    this.#pending.push(token);
  }

  #peek(): Token {
    const token = this.#next();
    this.#backup(token);
    return token;
  }

  #nextNonSpace(): Token {
    let token = this.#next();
    while (token.type === "space") token = this.#next();
    return token;
  }

  #peekNonSpace(): Token {
    const token = this.#nextNonSpace();
    this.#backup(token);
    return token;
  }

  #unexpected(token: Token, context: string, hint = ""): never {
    const what = token.type === "rightDelim" ? "end of the action" : `\`${shorten(token.text)}\``;
    throw new Fault("syntax", token.pos, `unexpected ${what} in ${context}${hint}`);
  }

  #expect(type: Token["type"], context: string): void {
    const token = this.#nextNonSpace();
    if (token.type !== type) this.#unexpected(token, context);
  }

  /** Guards a recursion of the parser. */
  #nested<T>(pos: number, step: () => T): T {
    if (++this.#depth > NESTING_MAX) throw new Fault("limit", pos, `nested more than ${NESTING_MAX} levels deep`);
    const result = step();
    this.#depth--;
    return result;
  }

  #define(name: string, list: ListNode, pos: number): void {
    const known = this.#templates.get(name);
    if (!known || isEmptyTree(known)) this.#templates.set(name, list);
    else if (!isEmptyTree(list)) {
      this.#report(new Fault("duplicate-template", pos, `the template "${name}" is defined a second time`));
    }
  }

  /** The whole text: a list that, alone, may hold definitions. */
  #parse(): Node[] {
    const list: Node[] = [];
    for (;;) {
      const token = this.#recover(() => this.#next(), undefined);
      if (token?.type === "eof") return list;
      const node = token && this.#recover(() => this.#topLevel(token), undefined);
      if (node) list.push(node);
    }
  }

  #topLevel(token: Token): Node | undefined {
    if (token.type === "leftDelim" && this.#peekNonSpace().type === "define") {
      this.#nextNonSpace();
      this.#parseDefinition(token.pos);
      return undefined;
    }
    const node = this.#textOrAction(token);
    if (node.kind !== "end" && node.kind !== "else") return node;
    throw new Fault("syntax", node.pos, `unexpected \`${node.kind}\`: no \`if\`, \`with\` or \`range\` is open`);
  }

  #parseDefinition(start: number): void {
    const name = this.#recover(() => {
      const text = this.#templateName("`define`");
      this.#expect("rightDelim", "`define`");
      return text;
    }, undefined);
    const list = this.#nested(start, () => this.#separateBody("`define`", start));
    if (name !== undefined) this.#define(name, list, start);
  }

  /** The list of a template of its own: it sees no variables of its surroundings and no loop. */
  #separateBody(context: string, start: number): Node[] {
    const vars = this.#vars;
    const rangeDepth = this.#rangeDepth;
    this.#vars = ["$"];
    this.#rangeDepth = 0;
    const list = this.#body(context, start);
    this.#vars = vars;
    this.#rangeDepth = rangeDepth;
    return list;
  }

  /** A list up to `end`, without `else`. */
  #body(context: string, start: number): Node[] {
    const list: Node[] = [];
    for (;;) {
      const [part, mark] = this.#itemList(context, start);
      for (const node of part) list.push(node);
      if (mark.kind === "end") return list;
      this.#report(new Fault("syntax", mark.pos, `unexpected \`else\` in ${context}`));
    }
  }

  #itemList(context: string, start: number): [Node[], Mark] {
    const list: Node[] = [];
    for (;;) {
      const token = this.#recover(() => this.#next(), undefined);
      if (token?.type === "eof") throw new Fault("missing-end", start, `${context} has no \`end\``);
      const node = token && this.#recover(() => this.#textOrAction(token), undefined);
      if (node?.kind === "end" || node?.kind === "else") return [list, node];
      if (node) list.push(node);
    }
  }

  #countNode(pos: number): void {
    if (++this.#nodes > NODES_MAX) throw new Fault("limit", pos, `the template has more than ${NODES_MAX} parts`);
  }

  #textOrAction(token: Token): Node | Mark {
    this.#countNode(token.pos);
    if (token.type === "text") return { kind: "text", pos: token.pos, text: token.text };
    if (token.type !== "leftDelim") return this.#unexpected(token, "the text");
    return this.#action(token.pos);
  }

  #action(start: number): Node | Mark {
    const token = this.#nextNonSpace();
    switch (token.type) {
      case "block":
        return this.#nested(start, () => this.#blockControl(start));
      case "else":
        return this.#elseControl(start);
      case "end":
        this.#recover(() => this.#expect("rightDelim", "`end`"), undefined);
        return { kind: "end", pos: start };
      case "if":
      case "with":
      case "range": {
        const kind = token.type;
        return this.#nested(start, () => this.#branchControl(kind, start));
      }
      case "template":
        return this.#templateControl(start);
      case "break":
      case "continue":
        return this.#jumpControl(token.type, start);
      default: {
        this.#backup(token);
        const pipe = this.#pipeline("the action", "rightDelim");
        return { kind: "action", span: this.#span(start), pipe };
      }
    }
  }

  #span(start: number): Span {
    return { start, end: this.#actionEnd };
  }

  #branchControl(kind: BranchNode["kind"], start: number): BranchNode {
    const context = `\`${kind}\``;
    const vars = this.#vars.length;
    const pipe = this.#recover(() => this.#pipeline(context, "rightDelim"), NO_PIPE);
    const span = this.#span(start);
    if (kind === "range") this.#rangeDepth++;
    const [list, mark] = this.#itemList(context, start);
    if (kind === "range") this.#rangeDepth--;
    let elseList: ListNode | undefined;
    if (mark.kind === "else" && mark.next === kind) {
      // `{{ else if }}` is an `if` in an `else`, and one `{{ end }}` ends both.
      this.#nextNonSpace();
      elseList = [this.#nested(mark.pos, () => this.#branchControl(kind, mark.pos))];
    } else if (mark.kind === "else") elseList = this.#body(`\`else\` of ${context}`, mark.pos);
    // Go forgets the variables of both lists at the end only: one of the first list parses in the second.
    this.#vars.length = vars;
    return { kind, span, pipe, list, elseList };
  }

  #elseControl(start: number): ElseMark {
    const next = this.#recover(() => {
      const token = this.#peekNonSpace();
      if (token.type === "if" || token.type === "with") return token.type;
      this.#expect("rightDelim", "`else`");
      return undefined;
    }, undefined);
    return { kind: "else", pos: start, next };
  }

  #jumpControl(kind: JumpNode["kind"], start: number): JumpNode {
    this.#expect("rightDelim", `\`${kind}\``);
    if (this.#rangeDepth === 0) this.#report(new Fault("syntax", start, `\`${kind}\` outside of \`range\``));
    return { kind, span: this.#span(start) };
  }

  #blockControl(start: number): TemplateNode {
    const context = "`block`";
    const header = this.#recover(() => {
      const name = this.#templateName(context);
      return { name, pipe: this.#pipeline(context, "rightDelim") };
    }, undefined);
    const span = this.#span(start);
    const list = this.#separateBody(context, start);
    if (header) this.#define(header.name, list, start);
    return { kind: "template", span, name: header?.name ?? "", pipe: header?.pipe };
  }

  #templateControl(start: number): TemplateNode {
    const context = "`template`";
    const name = this.#templateName(context);
    const token = this.#nextNonSpace();
    if (token.type === "rightDelim") return { kind: "template", span: this.#span(start), name, pipe: undefined };
    this.#backup(token);
    const pipe = this.#pipeline(context, "rightDelim");
    return { kind: "template", span: this.#span(start), name, pipe };
  }

  #templateName(context: string): string {
    const token = this.#nextNonSpace();
    if (token.type !== "string" && token.type !== "rawString") {
      return this.#unexpected(token, context, ", which needs a name in quotes");
    }
    return this.#unquote(token);
  }

  #unquote(token: Token): string {
    const value = unquote(token.text);
    if (value === undefined)
      throw new Fault("syntax", token.pos, `invalid escape in the string ${shorten(token.text)}`);
    return value;
  }

  #pipeline(context: string, end: "rightDelim" | "rightParen"): PipeNode {
    const pos = this.#peekNonSpace().pos;
    const [decl, assign] = this.#declarations(context);
    const cmds: CommandNode[] = [];
    for (;;) {
      const token = this.#nextNonSpace();
      if (token.type === end) break;
      if (!STARTS_OPERAND.has(token.type)) this.#unexpected(token, context, operandHint(token));
      this.#backup(token);
      cmds.push(this.#command(context));
    }
    if (cmds.length === 0) throw new Fault("syntax", pos, `${context} needs a value`);
    for (const { pos, args } of cmds.slice(1)) {
      if (NOT_EXECUTABLE.has(args[0].kind)) throw new Fault("syntax", pos, "only a function can stand behind `|`");
    }
    return { kind: "pipe", pos, assign, decl, cmds };
  }

  /** `$x :=`, `$x =` and, in a range, `$i, $e :=` in front of a pipeline; what is none of these is pushed back. */
  #declarations(context: string): [decl: string[], assign: boolean] {
    const decl: string[] = [];
    for (;;) {
      const variable = this.#peekNonSpace();
      if (variable.type !== "variable") return [decl, false];
      this.#next();
      const behind = this.#next();
      const next = behind.type === "space" ? this.#nextNonSpace() : behind;
      const declares = next.type === "declare" || next.type === "assign";
      if (!declares && !(next.type === "char" && next.text === ",")) {
        this.#backup(next);
        if (behind !== next) this.#backup(behind);
        this.#backup(variable);
        return [decl, false];
      }
      decl.push(variable.text);
      this.#vars.push(variable.text);
      if (this.#vars.length > VARIABLES_MAX) {
        throw new Fault("limit", variable.pos, `more than ${VARIABLES_MAX} variables at once`);
      }
      if (declares) return [decl, next.type === "assign"];
      if (context !== "`range`" || decl.length > 1)
        throw new Fault("syntax", next.pos, `too many declarations in ${context}`);
      const second = this.#peekNonSpace();
      if (second.type !== "variable") this.#unexpected(second, context, ", which can declare variables only");
    }
  }

  #command(context: string): CommandNode {
    const args: OperandNode[] = [];
    const { pos } = this.#peekNonSpace();
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand) args.push(operand);
      const token = this.#next();
      if (token.type === "space") continue;
      if (token.type === "rightDelim" || token.type === "rightParen") this.#backup(token);
      else if (token.type !== "pipe") this.#unexpected(token, context, operandHint(token));
      const [first, ...rest] = args;
      if (!first) throw new Fault("syntax", token.pos, "a value is missing in front of `|`");
      return { pos, args: [first, ...rest] };
    }
  }

  /** A term and the fields behind it. */
  #operand(): OperandNode | undefined {
    const node = this.#term();
    const names: string[] = [];
    const { pos } = node ? this.#peek() : { pos: 0 };
    while (node && this.#peek().type === "field") names.push(this.#next().text.slice(1));
    if (!node || names.length === 0) return node;
    switch (node.kind) {
      case "field":
      case "variable":
        return { ...node, names: [...node.names, ...names] };
      case "identifier":
      case "pipe":
      case "chain":
        return { kind: "chain", pos, of: node, names };
      case "bool":
      case "string":
      case "number":
      case "nil":
      case "dot":
        throw new Fault("syntax", pos, `unexpected \`.${names[0]}\` behind a value that has no fields`);
      default:
        return node satisfies never;
    }
  }

  #term(): OperandNode | undefined {
    const token = this.#nextNonSpace();
    const { pos, text } = token;
    this.#countNode(pos);
    switch (token.type) {
      case "identifier":
        this.#checkFunction(token);
        return { kind: "identifier", pos, name: text };
      case "dot":
      case "nil":
        return { kind: token.type, pos };
      case "variable":
        if (!this.#vars.includes(text)) this.#report(undefinedVariable(pos, text, this.#vars));
        return { kind: "variable", pos, name: text, names: [] };
      case "field":
        return { kind: "field", pos, names: [text.slice(1)] };
      case "bool":
        return { kind: "bool", pos, value: text === "true" };
      case "charConstant":
      case "complex":
      case "number": {
        const number = parseNumber(text, token.type);
        if (typeof number === "string") throw new Fault("syntax", pos, number);
        return { kind: "number", pos, text, value: number.value };
      }
      case "leftParen":
        return this.#nested(pos, () => this.#pipeline("the parentheses", "rightParen"));
      case "string":
      case "rawString":
        return { kind: "string", pos, value: this.#unquote(token) };
      default:
        this.#backup(token);
        return undefined;
    }
  }

  #checkFunction({ pos, text }: Token): void {
    const names = functionNames(this.#dialect);
    if (names.includes(text)) {
      const part = FUNCTIONS[text]?.part;
      if (part) this.#needs[part] = true;
      return;
    }
    this.#report(undefinedFunction(pos, text, names));
  }
}

const NO_PIPE: PipeNode = { kind: "pipe", pos: 0, assign: false, decl: [], cmds: [] };

const STARTS_OPERAND: ReadonlySet<Token["type"]> = new Set([
  "bool",
  "charConstant",
  "complex",
  "dot",
  "field",
  "identifier",
  "number",
  "nil",
  "rawString",
  "string",
  "variable",
  "leftParen",
]);

/** What can only stand first in a pipeline, because it takes no argument. */
const NOT_EXECUTABLE: ReadonlySet<OperandNode["kind"]> = new Set(["bool", "dot", "nil", "number", "string"]);

/** Whether a template is nothing but white space: then a later definition of the same name replaces it. */
function isEmptyTree(list: ListNode): boolean {
  return list.every((node) => node.kind === "text" && node.text.trim() === "");
}

const shorten = (text: string): string => (text.length > 30 ? `${text.slice(0, 30)}…` : text);

function operandHint(token: Token): string {
  if (token.type === "leftParen" || token.text === ",") {
    return "; arguments follow the function's name, separated by blanks, without parentheses and commas";
  }
  return "";
}

function undefinedVariable(pos: number, name: string, vars: readonly string[]): Fault {
  return new Fault("undefined-variable", pos, `the variable ${name} is not declared`, [...new Set(vars)]);
}

function undefinedFunction(pos: number, name: string, names: readonly string[]): Fault {
  const hint = FUNCTIONS[name]
    ? " in a 2.x configuration"
    : /^[A-Z0-9_]+$/.test(name)
      ? `; the variable ${name} of the environment is written .${name}`
      : "";
  return new Fault("undefined-function", pos, `the function ${name} is not defined${hint}`, names);
}
