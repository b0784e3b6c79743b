import { hasRawBytes, joinBytes } from "./bytes.ts";
import { Fault, Refusal } from "./errors.ts";
import { FUNCTIONS, type Func, type ParamType, SHORT_CIRCUIT } from "./funcs.ts";
import { STEP_LENGTH } from "./limits.ts";
import type { CommandNode, OperandNode, PipeNode } from "./node.ts";
import type { Bound, State } from "./state.ts";
import { isTrue, lookUp, typeName, type Value } from "./values.ts";

/** The value that the command before `|` hands on; absent in front of the first one. */
type Final = { readonly value: Value } | undefined;

/** Acquires the values of pipelines, commands and operands: the eval functions of Go's text/template/exec. */
export class Evaluator {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** The value of a pipeline; its declarations are pushed onto the stack of variables. */
  evalPipeline(dot: Bound, pipe: PipeNode): Value {
    let final: Final;
    for (const cmd of pipe.cmds) final = { value: this.#evalCommand(dot, cmd, final) };
    const value = final?.value;
    for (const name of pipe.decl) {
      const bound = { value, reads: this.#state.reads };
      if (pipe.assign) this.#state.setVar(name, bound);
      else this.#state.vars.push({ name, ...bound });
    }
    return value;
  }

  #evalCommand(dot: Bound, cmd: CommandNode, final: Final): Value {
    this.#state.charge(1);
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
        return this.#state.nested(() => this.evalPipeline(dot, node));
      case "dot":
        this.#state.readAll(dot.reads);
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
      const bound = node.kind === "variable" ? this.#state.varValue(node.name, node.pos) : dot;
      this.#state.readAll(bound.reads);
      value = bound.value;
    }
    if (node.names.length === 0 && hasArgs) {
      throw new Fault("arguments", node.pos, "an argument for a variable, which is no function");
    }
    this.#state.charge(node.names.length);
    node.names.forEach((name, i) => {
      value = this.#evalField(name, node.pos, hasArgs && i === node.names.length - 1, value);
    });
    return value;
  }

  #evalField(name: string, pos: number, hasArgs: boolean, receiver: Value): Value {
    if (receiver === undefined) return undefined;
    if (typeof receiver !== "object" || receiver.kind !== "map") {
      const type = typeName(receiver, this.#state.dialect);
      throw new Fault("field", pos, `.${name} asks for a field of a value of type ${type}, which has none`);
    }
    if (hasArgs) throw new Fault("arguments", pos, `.${name} is a variable of the environment and takes no arguments`);
    this.#state.read(name);
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
    this.#state.charge(args.length);
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
    this.#state.charge(args.reduce<number>((sum, arg) => sum + weight(arg), 0));
    const call = func.call ?? this.#state.host.parts.more![name]!;
    try {
      const result = call(args, this.#state.host);
      if (typeof result !== "string") return result;
      this.#state.charge(weight(result));
      return hasRawBytes(result) ? joinBytes(result).text : result;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Fault("call", pos, `${name}: ${error.message}`);
    }
  }

  #evalArg(dot: Bound, type: ParamType, node: OperandNode, name: string): Value {
    // Go looks at literals by the parameter's type; here that differs from the value's own type for nil alone.
    if (node.kind === "nil" && type === "string") {
      throw new Fault("arguments", node.pos, `${name} needs a string; found nil`);
    }
    return this.#validateType(this.#evalOperand(dot, node), type, node.pos, name);
  }

  #validateType(value: Value, type: ParamType, pos: number, name: string): Value {
    const fits =
      type === "any" || (value === undefined ? type === "[]string" : typeName(value, this.#state.dialect) === type);
    if (fits) return value;
    const found = typeName(value, this.#state.dialect);
    throw new Fault("arguments", pos, `${name} needs a ${type}; found a value of type ${found}`);
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
