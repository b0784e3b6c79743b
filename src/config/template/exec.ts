import { hasRawBytes, joinBytes } from "./bytes.ts";
import { Fault } from "./errors.ts";
import { Evaluator } from "./eval.ts";
import type { Parts } from "./funcs.ts";
import { OUTPUT_LENGTH_MAX, STEP_LENGTH } from "./limits.ts";
import type { BranchNode, ListNode, Node, PipeNode, Span, Template, TemplateNode } from "./node.ts";
import { type Frame, Recorder, type VariableRead } from "./sourcemap.ts";
import { type Bound, State } from "./state.ts";
import { type Environment, format, isTrue, sortedNames, typeName, type Value } from "./values.ts";

/** Forces the outcome of an `if`, `with` or `range`; undefined leaves it to the value. */
export type Decide = (node: BranchNode) => boolean | undefined;

/** How a list was left. */
type Flow = "next" | "break" | "continue";

const NO_READS: readonly VariableRead[] = [];

/** One execution of a template: the walk functions of Go's text/template/exec; throws a Fault where Go returns an error. */
export class Execution {
  readonly #state: State;
  readonly #evaluator: Evaluator;
  readonly #recorder: Recorder;
  readonly #decide: Decide | undefined;
  readonly #output: string[] = [];
  #length = 0;
  /** The innermost branch around what is written. */
  #frame: Frame | undefined;

  constructor(template: Template, env: Environment, parts: Parts, decide?: Decide) {
    this.#state = new State(template, env, parts);
    this.#evaluator = new Evaluator(this.#state);
    this.#recorder = new Recorder(template.text);
    this.#decide = decide;
  }

  /** The action that is being executed. */
  get action(): Span {
    return this.#state.action;
  }

  /** Executes the template once. */
  run(): { text: string; map: Recorder } {
    const dot: Bound = { value: { kind: "map", entries: this.#state.host.env }, reads: NO_READS };
    this.#state.vars = [{ name: "$", ...dot }];
    this.#walkList(dot, this.#state.template.root);
    const text = this.#output.join("");
    if (!hasRawBytes(text)) return { text, map: this.#recorder };
    const joined = joinBytes(text);
    this.#recorder.shift(joined.shrunk);
    return { text: joined.text, map: this.#recorder };
  }

  #write(text: string): void {
    this.#length += text.length;
    if (this.#length > OUTPUT_LENGTH_MAX) {
      const { start } = this.#state.action;
      throw new Fault("limit", start, `the rendering is longer than ${OUTPUT_LENGTH_MAX} characters`);
    }
    this.#output.push(text);
  }

  #walkList(dot: Bound, list: ListNode): Flow {
    for (const node of list) {
      const flow = this.#walk(dot, node);
      if (flow !== "next") return flow;
    }
    return "next";
  }

  #walk(dot: Bound, node: Node): Flow {
    this.#state.charge(1);
    if (node.kind === "text") {
      this.#recorder.text(this.#length, node.span, this.#frame);
      this.#write(node.text);
      return "next";
    }
    this.#state.action = node.span;
    this.#state.reads = [];
    switch (node.kind) {
      case "action": {
        const value = this.#evaluator.evalPipeline(dot, node.pipe);
        if (node.pipe.decl.length === 0) this.#printValue(node.span, value);
        return "next";
      }
      case "if":
      case "with":
        return this.#state.nested(() => this.#walkIfOrWith(dot, node));
      case "range":
        return this.#state.nested(() => this.#walkRange(dot, node));
      case "template":
        return this.#state.nested(() => this.#walkTemplate(dot, node));
      case "break":
      case "continue":
        return node.kind;
      default:
        return node satisfies never;
    }
  }

  #printValue(span: Span, value: Value): void {
    const text = value === undefined ? "<no value>" : format(value);
    this.#state.charge(text.length / STEP_LENGTH);
    this.#recorder.action(this.#length, text.length, span, this.#state.reads, this.#frame);
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
    if (this.#length === before) this.#recorder.branch(before, node.span, reads, outer);
    return flow;
  }

  #walkIfOrWith(dot: Bound, node: BranchNode): Flow {
    const mark = this.#state.vars.length;
    const value = this.#evaluator.evalPipeline(dot, node.pipe);
    const reads = this.#state.reads;
    const truth = this.#decide?.(node) ?? isTrue(value);
    const inner = truth && node.kind === "with" ? { value, reads } : dot;
    const flow = this.#walkBranch(inner, node, truth ? "then" : "else", reads);
    this.#state.vars.length = mark;
    return flow;
  }

  #walkRange(dot: Bound, node: BranchNode): Flow {
    const outerMark = this.#state.vars.length;
    const value = this.#evaluator.evalPipeline(dot, node.pipe);
    const reads = this.#state.reads;
    const mark = this.#state.vars.length;
    let ran = false;
    let flow: Flow = "next";
    for (const [index, element] of this.#elements(node, value, reads)) {
      ran = true;
      this.#bindRange(node.pipe, mark, index, element);
      flow = this.#walkBranch(element, node, "then", element.reads);
      this.#state.vars.length = mark;
      if (flow === "break") break;
    }
    if (!ran) flow = this.#walkBranch(dot, node, "else", reads);
    this.#state.vars.length = outerMark;
    // As in Go a `break` in the else list leaves this range, a `continue` there goes on with the next outer iteration.
    return !ran && flow === "continue" ? flow : "next";
  }

  /** Gives the range's variables the values of one iteration. */
  #bindRange({ decl, assign }: PipeNode, mark: number, index: Value, element: Bound): void {
    const [first, second] = decl;
    if (first === undefined) return;
    const bound = second === undefined ? [element] : [{ value: index, reads: element.reads }, element];
    bound.forEach((value, i) => {
      if (assign) this.#state.setVar(decl[i]!, value);
      else this.#state.vars[mark - decl.length + i] = { name: decl[i]!, ...value };
    });
  }

  /** What a range iterates over; of a forced outcome nothing, or at least one element. */
  *#elements(node: BranchNode, value: Value, reads: readonly VariableRead[]): Generator<[Value, Bound]> {
    const forced = this.#decide?.(node);
    if (forced === false) return;
    let empty = true;
    for (const element of this.#iterate(node, value, reads)) {
      empty = false;
      this.#state.action = node.span;
      this.#state.charge(1);
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
        const type = typeName(value, this.#state.dialect);
        throw new Fault("range", node.pipe.pos, `range cannot iterate over a value of type ${type}`);
      }
      if (node.pipe.decl.length > 1)
        throw new Fault("range", node.pipe.pos, "range over an integer has one variable only");
      for (let i = 0n; i < end; i++)
        yield [undefined, { value: end === value ? i : { kind: "byte", value: Number(i) }, reads }];
    }
  }

  #walkTemplate(dot: Bound, node: TemplateNode): Flow {
    const list = this.#state.template.templates.get(node.name);
    if (!list) {
      const names = [...this.#state.template.templates.keys()].filter((name) => name !== "");
      throw new Fault("undefined-template", node.span.start, `the template "${node.name}" is not defined`, names);
    }
    const value = node.pipe && this.#evaluator.evalPipeline(dot, node.pipe);
    const inner: Bound = { value, reads: this.#state.reads };
    const vars = this.#state.vars;
    // A template sees no variables of its caller.
    this.#state.vars = [{ name: "$", ...inner }];
    this.#walkList(inner, list);
    this.#state.vars = vars;
    return "next";
  }
}
