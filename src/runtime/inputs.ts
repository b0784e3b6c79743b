import type { Core, Id, Input } from "../core/contract.ts";
import { now } from "./clock.ts";
import type { Unnumbered } from "./processes.ts";

/** How much of what has happened is dealt with in one turn, whose end has its price. */
const HANDFUL = 32;

/** An input with its number, and the moment at which it is dealt with. */
interface Taken {
  input: Input;
  at: number;
}

/** What has happened and is not dealt with yet, in order. */
export class Inputs {
  #waiting: Unnumbered[] = [];
  #lastId: Id = 0;
  #at = 0;
  /** Something else that has happened is still to be put in. */
  #more = false;

  get any(): boolean {
    return this.#waiting.length > 0;
  }

  put(input: Unnumbered): void {
    this.#waiting.push(input);
  }

  putFirst(input: Unnumbered): void {
    this.#waiting.unshift(input);
  }

  /** Facts draw from the same sequence. */
  used(id: Id): void {
    this.#lastId = Math.max(this.#lastId, id);
  }

  number<T extends Unnumbered>(input: T): { input: T & { id: Id }; at: number } {
    this.#lastId += 1;
    this.#at = now();
    return { input: { ...input, id: this.#lastId }, at: this.#at };
  }

  /**
   * The next one. A deadline that has passed waits for what happened before anybody looked: a process that has ended in time
   * has not exceeded its time because the machine, or the start of this program, was slow.
   */
  take(core: Core): Taken | undefined {
    const next = this.#waiting.shift();
    if (next === undefined) return undefined;
    const before = this.#at;
    const taken = this.number(next) as Taken;
    const late = (core.deadline() ?? Number.POSITIVE_INFINITY) <= taken.at;
    if (late && (this.#more || this.any)) taken.at = this.#at = before;
    return taken;
  }

  /** Gives the list in handfuls. `more`: other things have happened besides. */
  *handfuls<T>(list: readonly T[], more: boolean): Iterable<readonly T[]> {
    for (let from = 0; from < list.length; from += HANDFUL) {
      this.#more = more || from + HANDFUL < list.length;
      yield list.slice(from, from + HANDFUL);
    }
    this.#more = false;
  }
}
