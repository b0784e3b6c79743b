import { Fault } from "./errors.ts";
import { FUNCTIONS, functionNames } from "./funcs.ts";
import type { Token } from "./lex.ts";
import { VARIABLES_MAX } from "./limits.ts";
import { parseNumber, unquote } from "./literal.ts";
import type { CommandNode, Dialect, Needs, OperandNode, PipeNode } from "./node.ts";
import { shorten, type TokenStream } from "./tokens.ts";

/** Parses what stands inside an action: pipelines, commands, operands. */
export class PipelineParser {
  /** The variables in scope. */
  vars: string[] = ["$"];
  readonly needs: Needs = { more: false, regex: false };
  readonly #tokens: TokenStream;
  readonly #functions: readonly string[];

  constructor(tokens: TokenStream, dialect: Dialect) {
    this.#tokens = tokens;
    this.#functions = functionNames(dialect);
  }

  /** The name behind `define`, `template` or `block`. */
  templateName(context: string): string {
    const token = this.#tokens.nextNonSpace();
    if (token.type !== "string" && token.type !== "rawString") {
      return this.#tokens.unexpected(token, context, ", which needs a name in quotes");
    }
    return this.#unquote(token);
  }

  #unquote(token: Token): string {
    const value = unquote(token.text);
    if (value === undefined)
      throw new Fault("syntax", token.pos, `invalid escape in the string ${shorten(token.text)}`);
    return value;
  }

  /** A pipeline up to its end, which is consumed; `context` names the action in messages. */
  pipeline(context: string, end: "rightDelim" | "rightParen"): PipeNode {
    const pos = this.#tokens.peekNonSpace().pos;
    const [decl, assign] = this.#declarations(context);
    const cmds: CommandNode[] = [];
    for (;;) {
      const token = this.#tokens.nextNonSpace();
      if (token.type === end) break;
      if (!STARTS_OPERAND.has(token.type)) this.#tokens.unexpected(token, context, operandHint(token));
      this.#tokens.backup(token);
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
      const variable = this.#tokens.peekNonSpace();
      if (variable.type !== "variable") return [decl, false];
      this.#tokens.next();
      const behind = this.#tokens.next();
      const next = behind.type === "space" ? this.#tokens.nextNonSpace() : behind;
      const declares = next.type === "declare" || next.type === "assign";
      if (!declares && !(next.type === "char" && next.text === ",")) {
        this.#tokens.backup(next);
        if (behind !== next) this.#tokens.backup(behind);
        this.#tokens.backup(variable);
        return [decl, false];
      }
      decl.push(variable.text);
      this.vars.push(variable.text);
      if (this.vars.length > VARIABLES_MAX) {
        throw new Fault("limit", variable.pos, `more than ${VARIABLES_MAX} variables at once`);
      }
      if (declares) return [decl, next.type === "assign"];
      if (context !== "`range`" || decl.length > 1)
        throw new Fault("syntax", next.pos, `too many declarations in ${context}`);
      const second = this.#tokens.peekNonSpace();
      if (second.type !== "variable") this.#tokens.unexpected(second, context, ", which can declare variables only");
    }
  }

  #command(context: string): CommandNode {
    const args: OperandNode[] = [];
    const { pos } = this.#tokens.peekNonSpace();
    for (;;) {
      this.#tokens.peekNonSpace();
      const operand = this.#operand();
      if (operand) args.push(operand);
      const token = this.#tokens.next();
      if (token.type === "space") continue;
      if (token.type === "rightDelim" || token.type === "rightParen") this.#tokens.backup(token);
      else if (token.type !== "pipe") this.#tokens.unexpected(token, context, operandHint(token));
      const [first, ...rest] = args;
      if (!first) throw new Fault("syntax", token.pos, "a value is missing in front of `|`");
      return { pos, args: [first, ...rest] };
    }
  }

  /** A term and the fields behind it. */
  #operand(): OperandNode | undefined {
    const node = this.#term();
    const names: string[] = [];
    const { pos } = node ? this.#tokens.peek() : { pos: 0 };
    while (node && this.#tokens.peek().type === "field") {
      this.#tokens.countNode(pos);
      names.push(this.#tokens.next().text.slice(1));
    }
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
    const token = this.#tokens.nextNonSpace();
    const { pos, text } = token;
    this.#tokens.countNode(pos);
    switch (token.type) {
      case "identifier":
        this.#checkFunction(token);
        return { kind: "identifier", pos, name: text };
      case "dot":
      case "nil":
        return { kind: token.type, pos };
      case "variable":
        if (!this.vars.includes(text)) this.#tokens.report(undefinedVariable(pos, text, this.vars));
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
        return this.#tokens.nested(pos, () => this.pipeline("the parentheses", "rightParen"));
      case "string":
      case "rawString":
        return { kind: "string", pos, value: this.#unquote(token) };
      default:
        this.#tokens.backup(token);
        return undefined;
    }
  }

  #checkFunction({ pos, text }: Token): void {
    if (this.#functions.includes(text)) {
      const part = FUNCTIONS[text]?.part;
      if (part) this.needs[part] = true;
      return;
    }
    this.#tokens.report(undefinedFunction(pos, text, this.#functions));
  }
}

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
