import { Fault, Refusal } from "./errors.ts";
import type { Host, Parts } from "./funcs.ts";
import { NESTING_MAX, OUTPUT_LENGTH_MAX, STEPS_MAX } from "./limits.ts";
import type { Dialect, Span, Template } from "./node.ts";
import type { VariableRead } from "./sourcemap.ts";
import { type Environment, lookUp, type Value } from "./values.ts";

/** A value and the variables of the environment that it was made from. */
export interface Bound {
  readonly value: Value;
  readonly reads: readonly VariableRead[];
}

interface Variable extends Bound {
  readonly name: string;
}

/** What one execution has at hand: variables, the environment's variables read so far, steps and levels used up. */
export class State {
  readonly template: Template;
  readonly host: Host;
  /** Push-down stack of the template's variables. */
  vars: Variable[] = [];
  /** The variables of the environment read since the current action began. */
  reads: VariableRead[] = [];
  /** The action that is being executed, for error reports. */
  action: Span = { start: 0, end: 0 };
  readonly #known = new Map<string, VariableRead>();
  #steps = 0;
  #depth = 0;

  constructor(template: Template, env: Environment, parts: Parts) {
    this.template = template;
    this.host = {
      env,
      dialect: template.dialect,
      parts,
      lengthMax: OUTPUT_LENGTH_MAX,
      charge: (steps) => this.charge(steps),
      read: (name) => this.read(name),
      refuse: (message) => {
        throw new Refusal(message);
      },
    };
  }

  get dialect(): Dialect {
    return this.template.dialect;
  }

  /** Counts work. */
  charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps <= STEPS_MAX) return;
    throw new Fault("limit", this.action.start, `the template takes more than ${STEPS_MAX} steps`);
  }

  /** Notes that a variable of the environment is read. */
  read(name: string): void {
    let read = this.#known.get(name);
    if (!read) {
      const value = lookUp(this.host.env, name);
      read = { name, set: value !== undefined, empty: value === "" };
      this.#known.set(name, read);
    }
    this.readAll([read]);
  }

  /** Notes that what these variables made is read. */
  readAll(reads: readonly VariableRead[]): void {
    for (const read of reads) if (!this.reads.includes(read)) this.reads.push(read);
  }

  /** Overwrites the variable of that name that was declared last. */
  setVar(name: string, bound: Bound): void {
    const at = this.vars.findLastIndex((variable) => variable.name === name);
    if (at < 0) throw this.#undefinedVariable(name, this.action.start);
    this.vars[at] = { name, value: bound.value, reads: bound.reads };
  }

  #undefinedVariable(name: string, pos: number): Fault {
    return new Fault("undefined-variable", pos, `the variable ${name} has no value here`);
  }

  /** The variable of that name that was declared last. */
  varValue(name: string, pos: number): Bound {
    const bound = this.vars.findLast((variable) => variable.name === name);
    if (!bound) throw this.#undefinedVariable(name, pos);
    return bound;
  }

  /** Guards a recursion. */
  nested<T>(step: () => T): T {
    if (++this.#depth > NESTING_MAX) {
      const message = `nested more than ${NESTING_MAX} levels deep; does a template call itself?`;
      throw new Fault("limit", this.action.start, message);
    }
    const result = step();
    this.#depth--;
    return result;
  }
}
