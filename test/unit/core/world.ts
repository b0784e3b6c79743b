/**
 * The world of a transcript: answers the core's effects as the file says, and otherwise as a well-behaved machine would.
 */
import type { Effect, Ended, RunId } from "../../../src/core/contract.ts";
import type { Answer, Unnumbered } from "./simulation.ts";

/** How the processes of one job or probe behave. Times in milliseconds. */
export interface Behaviour {
  /** Ends by itself so long after its start. */
  runs?: { after: number; how: Ended };
  /** What a stop signal does to it. */
  stops?: { after: number; how: Ended };
  /** Cannot be started. */
  missing?: { errno: string; code: 126 | 127 };
  /** How long its group outlives it; undefined: not at all, never: until somebody says `groupEmpty`. */
  group?: number | "never";
  unkillable?: boolean;
}

export interface Rules {
  behaviours: Map<string, Behaviour>;
  /** Answers of the catalog; undefined: never. */
  announced: { after: number; ok: boolean } | undefined;
  withdrawn: { after: number; ok: boolean } | undefined;
  /** What is left at each sweep; the last one stands for all further ones. */
  swept: number[];
}

export function newRules(): Rules {
  return {
    behaviours: new Map(),
    announced: { after: 2, ok: true },
    withdrawn: { after: 3, ok: true },
    swept: [0],
  };
}

/** Signals that `stops` answers; all others change nothing. */
const stopSignals = new Set([2, 3, 15]);

export class World {
  readonly rules: Rules;
  /** The process of each run that was not seen ending. */
  readonly #alive = new Map<RunId, string>();
  readonly #latest = new Map<string, RunId>();
  #sweeps = 0;

  constructor(rules: Rules) {
    this.rules = rules;
  }

  /** The latest run of a job or probe. */
  run(name: string): RunId {
    const run = this.#latest.get(name);
    if (run === undefined) throw new Error(`${name} was never started`);
    return run;
  }

  /** A process that was there before the core. */
  adopt(run: RunId, name: string): void {
    this.#alive.set(run, name);
    this.#latest.set(name, run);
  }

  answer(effect: Effect): Answer[] {
    switch (effect.t) {
      case "spawn":
        return this.#spawn(effect.run, effect.probe ?? effect.job);
      case "signal":
        return this.#signal(effect.run, effect.signo);
      case "announce":
        return this.#catalog(this.rules.announced, (ok) => ({
          t: "announced",
          service: effect.service,
          attempt: effect.attempt,
          ok,
        }));
      case "withdraw":
        return this.#catalog(this.rules.withdrawn, (ok) => ({ t: "withdrawn", service: effect.service, ok }));
      case "sweep": {
        const { swept } = this.rules;
        const left = swept[Math.min(this.#sweeps++, swept.length - 1)];
        return left === undefined ? [] : [{ after: 1, input: { t: "swept", left } }];
      }
      default:
        return [];
    }
  }

  #spawn(run: RunId, name: string): Answer[] {
    const { missing, runs } = this.rules.behaviours.get(name) ?? {};
    this.#latest.set(name, run);
    if (missing) return [{ after: 1, input: { t: "spawnFailed", run, ...missing } }];
    this.#alive.set(run, name);
    const spawned: Answer = { after: 1, input: { t: "spawned", run, pid: 100 + run } };
    return runs ? [spawned, ...this.#end(run, runs.after, runs.how, "itself")] : [spawned];
  }

  #signal(run: RunId, signo: number): Answer[] {
    const name = this.#alive.get(run);
    if (name === undefined) return [];
    const { stops, unkillable } = this.rules.behaviours.get(name) ?? {};
    if (signo === 9) return unkillable ? [] : this.#end(run, 1, { signal: 9, core: false }, "us");
    return stops && stopSignals.has(signo) ? this.#end(run, stops.after, stops.how, "us") : [];
  }

  /** The end of a process, and of its group. */
  #end(run: RunId, after: number, how: Ended, by: "itself" | "us"): Answer[] {
    return [{ after, input: { t: "exited", run, how, by } }, ...this.ended(run, after)];
  }

  /** What follows when a process is said to have ended. */
  ended(run: RunId, after: number): Answer[] {
    const group = this.rules.behaviours.get(this.#alive.get(run) ?? "")?.group ?? 0;
    return group === "never" ? [] : [{ after: after + group, input: { t: "groupEmpty", run } }];
  }

  #catalog(rule: Rules["announced"], input: (ok: boolean) => Unnumbered): Answer[] {
    return rule ? [{ after: rule.after, input: input(rule.ok) }] : [];
  }
}
