import { hasRawBytes, joinBytes } from "./bytes.ts";
import { Fault, Refusal } from "./errors.ts";
import { FUNCTIONS, type Func, type Host, type ParamType, type Parts, SHORT_CIRCUIT } from "./funcs.ts";
import { NESTING_MAX, OUTPUT_LENGTH_MAX, STEP_LENGTH, STEPS_MAX } from "./limits.ts";
import type {
  BranchNode,
  CommandNode,
  Dialect,
  ListNode,
  Node,
  OperandNode,
  PipeNode,
  Span,
  Template,
  TemplateNode,
} from "./node.ts";
import { type Frame, Recorder, type VariableRead } from "./sourcemap.ts";
import { type Env, type Environment, format, isTrue, lookUp, sortedNames, typeName, type Value } from "./values.ts";

/** Forces the outcome of an `if`, `with` or `range`; undefined leaves it to the value. */
export type Decide = (node: BranchNode) => boolean | undefined;

/** A value and the variables of the environment that it was made from. */
interface Bound {
  readonly value: Value;
  readonly reads: readonly VariableRead[];
}

interface Variable extends Bound {
  readonly name: string;
}

/** The value that the command before `|` hands on; absent in front of the first one. */
type Final = { readonly value: Value } | undefined;

/** How a list was left. */
type Flow = "next" | "break" | "continue";

const NO_READS: readonly VariableRead[] = [];

/** One execution of a template, as Go's text/template/exec; throws a Fault where Go returns an error. */
export class Execution {
  readonly #template: Template;
  readonly #host: Host;
  readonly #root: Env;
  readonly #decide: Decide | undefined;
  readonly #recorder: Recorder;
  readonly #output: string[] = [];
  readonly #known = new Map<string, VariableRead>();
  #length = 0;
  #steps = 0;
  #depth = 0;
  #vars: Variable[] = [];
  #frame: Frame | undefined;
  /** The variables read since the current action began. */
  #reads: VariableRead[] = [];
  /** The action that is being executed, for error reports. */
  action: Span = { start: 0, end: 0 };

  constructor(template: Template, env: Environment, parts: Parts, decide?: Decide) {
    this.#template = template;
    this.#root = { kind: "map", entries: env };
    this.#decide = decide;
    this.#recorder = new Recorder(template.text);
    this.#host = {
      env,
      dialect: template.dialect,
      parts,
      lengthMax: OUTPUT_LENGTH_MAX,
      charge: (steps) => this.#charge(steps),
      read: (name) => this.#read(name),
      refuse: (message) => {
        throw new Refusal(message);
      },
    };
  }

  /** Executes the template once. */
  run(): { text: string; map: Recorder } {
    const dot: Bound = { value: this.#root, reads: NO_READS };
    this.#vars = [{ name: "$", ...dot }];
    this.#walkList(dot, this.#template.root);
    const text = this.#output.join("");
    if (!hasRawBytes(text)) return { text, map: this.#recorder };
    const joined = joinBytes(text);
    this.#recorder.shift(joined.shrunk);
    return { text: joined.text, map: this.#recorder };
  }

  get #dialect(): Dialect {
    return this.#template.dialect;
  }

  #charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps <= STEPS_MAX) return;
    throw new Fault("limit", this.action.start, `the template takes more than ${STEPS_MAX} steps`);
  }

  #read(name: string): void {
    let read = this.#known.get(name);
    if (!read) {
      const value = lookUp(this.#host.env, name);
      read = { name, set: value !== undefined, empty: value === "" };
      this.#known.set(name, read);
    }
    this.#readAll([read]);
  }

  #readAll(reads: readonly VariableRead[]): void {
    for (const read of reads) if (!this.#reads.includes(read)) this.#reads.push(read);
  }

  #write(text: string): void {
    this.#length += text.length;
    if (this.#length > OUTPUT_LENGTH_MAX) {
      throw new Fault("limit", this.action.start, `the rendering is longer than ${OUTPUT_LENGTH_MAX} characters`);
    }
    this.#output.push(text);
  }

  // Walk functions step through the structure and generate output.

  #walkList(dot: Bound, list: ListNode): Flow {
    for (const node of list) {
      const flow = this.#walk(dot, node);
      if (flow !== "next") return flow;
    }
    return "next";
  }

  #walk(dot: Bound, node: Node): Flow {
    this.#charge(1);
    if (node.kind === "text") {
      this.#recorder.text(this.#length, node.text.length, node.pos, this.#frame);
      this.#write(node.text);
      return "next";
    }
    this.action = node.span;
    this.#reads = [];
    switch (node.kind) {
      case "action": {
        const value = this.#evalPipeline(dot, node.pipe);
        if (node.pipe.decl.length === 0) this.#printValue(node.span, value);
        return "next";
      }
      case "if":
      case "with":
        return this.#nested(() => this.#walkIfOrWith(dot, node));
      case "range":
        return this.#nested(() => this.#walkRange(dot, node));
      case "template":
        return this.#nested(() => this.#walkTemplate(dot, node));
      case "break":
      case "continue":
        return node.kind;
      default:
        return node satisfies never;
    }
  }

  #nested<T>(step: () => T): T {
    if (++this.#depth > NESTING_MAX) {
      throw new Fault(
        "limit",
        this.action.start,
        `nested more than ${NESTING_MAX} levels deep; does a template call itself?`,
      );
    }
    const result = step();
    this.#depth--;
    return result;
  }

  #printValue(span: Span, value: Value): void {
    const text = value === undefined ? "<no value>" : format(value);
    this.#charge(text.length / STEP_LENGTH);
    this.#recorder.action(this.#length, text.length, span, this.#reads, this.#frame);
    this.#write(text);
  }

  /** Walks one list of a branch; what it declares ends with it. */
  #walkBranch(dot: Bound, node: BranchNode, taken: Frame["taken"], reads: readonly VariableRead[]): Flow {
    const list = taken === "then" ? node.list : node.elseList;
    const outer = this.#frame;
    const before = this.#length;
    this.#frame = { span: node.span, taken, reads, outer };
    const flow = list ? this.#walkList(dot, list) : "next";
    this.#frame = outer;
    if (this.#length === before) this.#recorder.action(before, 0, node.span, reads, outer);
    return flow;
  }

  #walkIfOrWith(dot: Bound, node: BranchNode): Flow {
    const mark = this.#vars.length;
    const value = this.#evalPipeline(dot, node.pipe);
    const reads = this.#reads;
    const truth = this.#decide?.(node) ?? isTrue(value);
    const inner = truth && node.kind === "with" ? { value, reads } : dot;
    const flow = this.#walkBranch(inner, node, truth ? "then" : "else", reads);
    this.#vars.length = mark;
    return flow;
  }

  #walkRange(dot: Bound, node: BranchNode): Flow {
    const outerMark = this.#vars.length;
    const value = this.#evalPipeline(dot, node.pipe);
    const reads = this.#reads;
    const mark = this.#vars.length;
    let ran = false;
    let flow: Flow = "next";
    for (const [index, element] of this.#elements(node, value, reads)) {
      ran = true;
      this.#bindRange(node.pipe, mark, index, element);
      flow = this.#walkBranch(element, node, "then", element.reads);
      this.#vars.length = mark;
      if (flow === "break") break;
    }
    if (!ran) flow = this.#walkBranch(dot, node, "else", reads);
    this.#vars.length = outerMark;
    // As in Go a `break` in the else list leaves this range, a `continue` there goes on with the next outer iteration.
    return !ran && flow === "continue" ? flow : "next";
  }

  /** Gives the range's variables the values of one iteration. */
  #bindRange({ decl, assign }: PipeNode, mark: number, index: Value, element: Bound): void {
    const [first, second] = decl;
    if (first === undefined) return;
    const bound = second === undefined ? [element] : [{ value: index, reads: element.reads }, element];
    bound.forEach((value, i) => {
      if (assign) this.#setVar(decl[i]!, value);
      else this.#vars[mark - decl.length + i] = { name: decl[i]!, ...value };
    });
  }

  /** What a range iterates over; of a forced outcome nothing, or at least one element. */
  *#elements(node: BranchNode, value: Value, reads: readonly VariableRead[]): Generator<[Value, Bound]> {
    const forced = this.#decide?.(node);
    if (forced === false) return;
    let empty = true;
    for (const element of this.#iterate(node, value, reads)) {
      empty = false;
      this.#charge(1);
      yield element;
    }
    if (empty && forced) yield [0n, { value: "", reads }];
  }

  *#iterate(node: BranchNode, value: Value, reads: readonly VariableRead[]): Generator<[Value, Bound]> {
    if (value === undefined) return;
    if (typeof value === "object" && value.kind === "list") {
      for (const [i, item] of value.items.entries()) yield [BigInt(i), { value: item, reads }];
    } else if (typeof value === "object" && value.kind === "map") {
      for (const name of sortedNames(value.entries)) {
        const read = { name, set: true, empty: value.entries[name] === "" };
        yield [name, { value: value.entries[name], reads: [...reads, read] }];
      }
    } else {
      const end = typeof value === "object" && value.kind === "byte" ? BigInt(value.value) : value;
      if (typeof end !== "bigint") {
        throw new Fault(
          "range",
          node.pipe.pos,
          `range cannot iterate over a value of type ${typeName(value, this.#dialect)}`,
        );
      }
      if (node.pipe.decl.length > 1)
        throw new Fault("range", node.pipe.pos, "range over an integer has one variable only");
      for (let i = 0n; i < end; i++)
        yield [undefined, { value: end === value ? i : { kind: "byte", value: Number(i) }, reads }];
    }
  }

  #walkTemplate(dot: Bound, node: TemplateNode): Flow {
    const list = this.#template.templates.get(node.name);
    if (!list) {
      const names = [...this.#template.templates.keys()].filter((name) => name !== "");
      throw new Fault("undefined-template", node.span.start, `the template "${node.name}" is not defined`, names);
    }
    const value = node.pipe && this.#evalPipeline(dot, node.pipe);
    const inner: Bound = { value, reads: this.#reads };
    const vars = this.#vars;
    // A template sees no variables of its caller.
    this.#vars = [{ name: "$", ...inner }];
    this.#walkList(inner, list);
    this.#vars = vars;
    return "next";
  }

  #setVar(name: string, bound: Bound): void {
    const at = this.#vars.findLastIndex((variable) => variable.name === name);
    if (at < 0) throw this.#undefinedVariable(name, this.action.start);
    this.#vars[at] = { name, value: bound.value, reads: bound.reads };
  }

  #undefinedVariable(name: string, pos: number): Fault {
    return new Fault("undefined-variable", pos, `the variable ${name} has no value yet`);
  }

  // Eval functions acquire values.

  #evalPipeline(dot: Bound, pipe: PipeNode): Value {
    let final: Final;
    for (const cmd of pipe.cmds) final = { value: this.#evalCommand(dot, cmd, final) };
    const value = final?.value;
    for (const name of pipe.decl) {
      const bound = { value, reads: this.#reads };
      if (pipe.assign) this.#setVar(name, bound);
      else this.#vars.push({ name, ...bound });
    }
    return value;
  }

  #evalCommand(dot: Bound, cmd: CommandNode, final: Final): Value {
    this.#charge(1);
    const [first, ...args] = cmd.args;
    const hasArgs = args.length > 0 || final !== undefined;
    switch (first.kind) {
      case "identifier":
        return this.#evalFunction(dot, first, args, final);
      case "field":
      case "chain":
      case "variable":
        return this.#evalFields(dot, first, hasArgs);
      case "nil":
        throw new Fault("arguments", first.pos, "nil is not a command");
      default:
        if (hasArgs) throw new Fault("arguments", first.pos, "an argument for something that is no function");
        return this.#evalOperand(dot, first);
    }
  }

  /** A term in a place where any type will do. */
  #evalOperand(dot: Bound, node: OperandNode): Value {
    switch (node.kind) {
      case "identifier":
        return this.#evalFunction(dot, node, [], undefined);
      case "field":
      case "chain":
      case "variable":
        return this.#evalFields(dot, node, false);
      case "pipe":
        return this.#nested(() => this.#evalPipeline(dot, node));
      case "dot":
        this.#readAll(dot.reads);
        return dot.value;
      case "nil":
        return undefined;
      case "bool":
      case "string":
        return node.value;
      case "number":
        if (node.value === undefined) throw new Fault("arguments", node.pos, `${node.text} overflows int`);
        return node.value;
      default:
        return node satisfies never;
    }
  }

  /** `.A.B`, `$x.A`, `(pipeline).A`: the last field gets the arguments, if there are any. */
  #evalFields(dot: Bound, node: OperandNode & { readonly names: readonly string[] }, hasArgs: boolean): Value {
    let value: Value;
    if (node.kind === "chain") {
      if (node.of.kind === "nil") throw new Fault("field", node.pos, "nil has no fields");
      value = this.#evalOperand(dot, node.of);
    } else {
      const bound = node.kind === "variable" ? this.#varValue(node.name, node.pos) : dot;
      this.#readAll(bound.reads);
      value = bound.value;
    }
    if (node.names.length === 0 && hasArgs)
      throw new Fault("arguments", node.pos, "an argument for a variable, which is no function");
    this.#charge(node.names.length);
    node.names.forEach((name, i) => {
      value = this.#evalField(name, node.pos, hasArgs && i === node.names.length - 1, value);
    });
    return value;
  }

  #varValue(name: string, pos: number): Bound {
    const bound = this.#vars.findLast((variable) => variable.name === name);
    if (!bound) throw this.#undefinedVariable(name, pos);
    return bound;
  }

  #evalField(name: string, pos: number, hasArgs: boolean, receiver: Value): Value {
    if (receiver === undefined) return undefined;
    if (typeof receiver !== "object" || receiver.kind !== "map") {
      const type = typeName(receiver, this.#dialect);
      throw new Fault("field", pos, `.${name} asks for a field of a value of type ${type}, which has none`);
    }
    if (hasArgs) throw new Fault("arguments", pos, `.${name} is a variable of the environment and takes no arguments`);
    this.#read(name);
    // missingkey=zero: the zero value of a map of strings is the empty string.
    return lookUp(receiver.entries, name) ?? "";
  }

  #evalFunction(
    dot: Bound,
    node: OperandNode & { readonly name: string },
    args: readonly OperandNode[],
    final: Final,
  ): Value {
    const { name, pos } = node;
    const func = FUNCTIONS[name]!;
    const count = args.length + (final ? 1 : 0);
    const least = func.params.length;
    if (func.variadic ? count < least : count !== least) {
      const want = func.variadic ? `at least ${least}` : least;
      throw new Fault("arguments", pos, `wrong number of arguments for ${name}: want ${want}, got ${count}`);
    }
    this.#charge(args.length);
    if (SHORT_CIRCUIT.has(name)) return this.#evalLogic(dot, name, args, final);
    const values = args.map((arg, i) => this.#evalArg(dot, paramType(func, i), arg, name));
    if (final) values.push(this.#validateType(final.value, paramType(func, count - 1), pos, name));
    return this.#evalCall(func, name, pos, values);
  }

  /** and: the first false operand, or the last; or: the first true one, or the last. */
  #evalLogic(dot: Bound, name: string, args: readonly OperandNode[], final: Final): Value {
    let value: Value;
    for (const arg of args) {
      value = this.#evalOperand(dot, arg);
      if (isTrue(value) === (name === "or")) return value;
    }
    return final ? final.value : value;
  }

  #evalCall(func: Func, name: string, pos: number, args: readonly Value[]): Value {
    this.#charge(args.reduce<number>((sum, arg) => sum + weight(arg), 0));
    const call = func.call ?? this.#host.parts.more![name]!;
    try {
      const result = call(args, this.#host);
      if (typeof result === "string") this.#charge(weight(result));
      return result;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Fault("call", pos, `${name}: ${error.message}`);
    }
  }

  #evalArg(dot: Bound, type: ParamType, node: OperandNode, name: string): Value {
    // Go looks at literals by the parameter's type; here that differs from the value's own type for nil alone.
    if (node.kind === "nil" && type === "string")
      throw new Fault("arguments", node.pos, `${name} needs a string; found nil`);
    return this.#validateType(this.#evalOperand(dot, node), type, node.pos, name);
  }

  #validateType(value: Value, type: ParamType, pos: number, name: string): Value {
    const fits =
      type === "any" || (value === undefined ? type === "[]string" : typeName(value, this.#dialect) === type);
    if (fits) return value;
    throw new Fault(
      "arguments",
      pos,
      `${name} needs a ${type}; found a value of type ${typeName(value, this.#dialect)}`,
    );
  }
}

/** The type of a function's argument. */
function paramType(func: Func, index: number): ParamType {
  return func.params[index] ?? func.variadic ?? "any";
}

/** Steps that handling a value costs besides the call itself. */
function weight(value: Value): number {
  if (typeof value === "string") return value.length / STEP_LENGTH;
  if (typeof value !== "object") return 0;
  return value.kind === "list" ? value.items.length + value.spare.length : value.kind === "map" ? 64 : 0;
}
