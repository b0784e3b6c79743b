import type { BranchNode, CommandNode, ListNode, Node, OperandNode, PipeNode, Template } from "./node.ts";

/** An `if`, `with` or `range`, and the variables of the environment that decide it. */
export interface Condition {
  readonly node: BranchNode;
  /** In the order in which they are read, each once. */
  readonly variables: readonly string[];
  /** Whether it also reads variables whose names are made at run time, as `env (printf "PORT_%d" $i)` does. */
  readonly dynamic: boolean;
}

/** Calls `visit` for every node of the template and of the templates defined in it, parents before children. */
export function visitNodes(template: Template, visit: (node: Node) => void): void {
  const walk = (list: ListNode): void => {
    for (const node of list) {
      visit(node);
      if (node.kind === "if" || node.kind === "with" || node.kind === "range") {
        walk(node.list);
        walk(node.elseList ?? []);
      }
    }
  };
  for (const list of template.templates.values()) walk(list);
}

/** The conditions of a template in the order of the text, without executing it. */
export function conditions(template: Template): Condition[] {
  const found = new Analysis(template).run();
  return found.sort((a, b) => a.node.span.start - b.node.span.start);
}

/** What a value may be made from: the whole environment, or named variables of it. */
interface Source {
  readonly environment: boolean;
  readonly names: readonly string[];
  readonly dynamic: boolean;
}

/** What `.` and the variables of a template stand for at one point of it. */
interface Scope {
  readonly dot: Source;
  readonly vars: ReadonlyMap<string, Source>;
}

const NOTHING: Source = { environment: false, names: [], dynamic: false };
const ENVIRONMENT: Source = { environment: true, names: [], dynamic: false };

function merge(sources: readonly Source[]): Source {
  return {
    environment: false,
    names: [...new Set(sources.flatMap(({ names }) => names))],
    dynamic: sources.some(({ dynamic }) => dynamic),
  };
}

class Analysis {
  readonly #template: Template;
  readonly #found = new Map<BranchNode, Condition>();
  /** Templates that are being walked: one that calls itself is walked once. */
  readonly #open = new Set<string>();

  constructor(template: Template) {
    this.#template = template;
  }

  run(): Condition[] {
    this.#list(this.#template.root, { dot: ENVIRONMENT, vars: new Map([["$", ENVIRONMENT]]) });
    return [...this.#found.values()];
  }

  #list(list: ListNode, outer: Scope): void {
    let scope = outer;
    for (const node of list) scope = this.#node(node, scope);
  }

  /** The scope behind a node: an action may have declared variables. */
  #node(node: Node, scope: Scope): Scope {
    switch (node.kind) {
      case "action":
        return this.#pipe(node.pipe, scope).scope;
      case "if":
      case "with":
      case "range":
        this.#branch(node, scope);
        return scope;
      case "template":
        this.#call(node.name, node.pipe ? this.#pipe(node.pipe, scope).source : NOTHING);
        return scope;
      case "text":
      case "break":
      case "continue":
        return scope;
      default:
        return node satisfies never;
    }
  }

  #branch(node: BranchNode, outer: Scope): void {
    const { source, scope } = this.#pipe(node.pipe, outer);
    const known = this.#found.get(node);
    const { names, dynamic } = merge([{ ...NOTHING, ...known, names: known?.variables ?? [] }, source]);
    this.#found.set(node, { node, variables: names, dynamic });
    this.#list(node.list, node.kind === "if" ? scope : { ...scope, dot: source });
    this.#list(node.elseList ?? [], scope);
  }

  #call(name: string, dot: Source): void {
    if (this.#open.has(name)) return;
    this.#open.add(name);
    this.#list(this.#template.templates.get(name) ?? [], { dot, vars: new Map([["$", dot]]) });
    this.#open.delete(name);
  }

  #pipe(pipe: PipeNode, scope: Scope): { source: Source; scope: Scope } {
    const sources = pipe.cmds.map((cmd) => this.#command(cmd, scope));
    const source = sources.length === 1 ? sources[0]! : merge(sources);
    if (pipe.decl.length === 0) return { source, scope };
    const vars = new Map(scope.vars);
    // An assignment in a branch may or may not have happened: the value before it counts as well.
    for (const name of pipe.decl) vars.set(name, pipe.assign ? merge([vars.get(name) ?? NOTHING, source]) : source);
    return { source, scope: { ...scope, vars } };
  }

  #command({ args }: CommandNode, scope: Scope): Source {
    const [first, second, third] = args;
    if (first.kind === "identifier" && first.name === "env" && second) return this.#named(second, scope);
    if (first.kind === "identifier" && first.name === "index" && second && third) {
      if (this.#operand(second, scope).environment) return this.#named(third, scope);
    }
    const sources = args.map((arg) => this.#operand(arg, scope));
    return sources.length === 1 ? sources[0]! : merge(sources);
  }

  /** A variable that is named by an argument. */
  #named(arg: OperandNode, scope: Scope): Source {
    if (arg.kind === "string") return { ...NOTHING, names: [arg.value] };
    return { ...this.#operand(arg, scope), environment: false, dynamic: true };
  }

  #operand(node: OperandNode, scope: Scope): Source {
    switch (node.kind) {
      case "dot":
        return scope.dot;
      case "field":
        return field(scope.dot, node.names);
      case "variable":
        return field(scope.vars.get(node.name) ?? NOTHING, node.names);
      case "chain":
        return field(this.#operand(node.of, scope), node.names);
      case "pipe":
        return this.#pipe(node, scope).source;
      case "identifier":
      case "nil":
      case "bool":
      case "string":
      case "number":
        return NOTHING;
      default:
        return node satisfies never;
    }
  }
}

/** `.NAME` of the environment is a variable; of anything else the same sources. */
function field(of: Source, [name]: readonly string[]): Source {
  return of.environment && name !== undefined ? { ...NOTHING, names: [name] } : of;
}
