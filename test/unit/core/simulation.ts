/**
 * A core in a world that is played: time jumps from one deadline or answer to the next. Pure as the core itself.
 */

import type { Effect, Input } from "../../../src/core/contract.ts";
import { newState } from "../../../src/core/fresh.ts";
import type { Armed, State } from "../../../src/core/state.ts";
import { step } from "../../../src/core/step.ts";
import { earliest } from "../../../src/core/timers.ts";
import type { Ms } from "../../../src/plan.ts";

/** An input before it has its id. */
export type Unnumbered = Input extends infer I ? (I extends Input ? Omit<I, "id"> : never) : never;

/** What the world says to an effect, and how long it takes. */
export interface Answer {
  after: Ms;
  input: Unnumbered;
}

/** One step: what came in and what came of it. */
export interface Entry {
  at: Ms;
  input: Input;
  effects: readonly Effect[];
  /** Timers that this step armed or moved and that were still armed after it. */
  armed: readonly Armed[];
}

/** Deadlines that one call may jump to: more is a livelock. */
const jumpsMax = 100_000;

export class Simulation {
  readonly state: State = newState();
  readonly entries: Entry[] = [];
  now: Ms = 0;
  readonly #answer: (effect: Effect, at: Ms) => readonly Answer[];
  /** Answers on their way, by their time; equal times in the order in which they were given. */
  #coming: { at: Ms; input: Unnumbered }[] = [];

  readonly #after: (state: State) => void;

  /** `answer` is asked for each effect, in order, when its whole list is done; `after` sees the state after each step. */
  constructor(answer: (effect: Effect, at: Ms) => readonly Answer[], after: (state: State) => void = () => {}) {
    this.#answer = answer;
    this.#after = after;
  }

  /** Lets time pass until `at`, then gives an input. */
  give(at: Ms, input: Unnumbered): Entry {
    this.advance(at);
    return this.#step(input);
  }

  /** Jumps from answer to deadline to answer up to `until`, both included. */
  advance(until: Ms): void {
    for (let jumps = 0; ; jumps++) {
      if (jumps > jumpsMax) throw new Error(`no end of deadlines at ${this.now}`);
      const answer = this.#coming[0];
      const deadline = earliest(this.state)?.at ?? Number.POSITIVE_INFINITY;
      const next = Math.min(answer?.at ?? Number.POSITIVE_INFINITY, deadline);
      if (next > until || next === Number.POSITIVE_INFINITY) break;
      this.now = Math.max(this.now, next);
      if (answer && answer.at <= deadline) {
        this.#coming.shift();
        this.#step(answer.input);
      } else this.#step({ t: "wake" });
    }
    if (until < Number.POSITIVE_INFINITY) this.now = Math.max(this.now, until);
  }

  /** The last effect ever, when it has come. */
  exit(): Extract<Effect, { t: "exit" }> | undefined {
    const last = this.entries.findLast((entry) => entry.effects.length > 0)?.effects.at(-1);
    return last?.t === "exit" ? last : undefined;
  }

  #step(body: Unnumbered): Entry {
    const input = { ...body, id: this.state.lastId + 1 } as Input;
    const before = this.state.armedEver;
    const effects = step(this.state, input, this.now);
    this.#after(this.state);
    const armed = [...this.state.timers.values()].filter((timer) => timer.seq > before);
    const entry = { at: this.now, input, effects, armed };
    this.entries.push(entry);
    for (const effect of effects) {
      for (const { after, input: answer } of this.#answer(effect, this.now)) this.#put(this.now + after, answer);
    }
    return entry;
  }

  #put(at: Ms, input: Unnumbered): void {
    const later = this.#coming.findIndex((each) => each.at > at);
    this.#coming.splice(later < 0 ? this.#coming.length : later, 0, { at, input });
  }
}
