/**
 * A wild world: processes that cannot start, end early, ignore signals or even KILL; answers late, twice or never. What a
 * process does hangs on its name and on how often it was started, so that two plays differ only where the core does.
 */
import type { Effect, Ended, RunId } from "../../../src/core/contract.ts";
import type { Nature } from "./arbitrary.ts";
import type { Answer, Unnumbered } from "./simulation.ts";

export class WildWorld {
  readonly nature: Nature;
  /** From now on nobody answers anything. */
  silent = false;
  readonly #alive = new Map<RunId, string>();
  readonly #starts = new Map<string, number>();
  #left = 2;

  constructor(nature: Nature) {
    this.nature = nature;
  }

  answer(effect: Effect): Answer[] {
    if (this.silent) return [];
    const answers = this.#answers(effect);
    const again = answers.filter((each, index) =>
      this.#chance(this.nature.twice, `twice ${index} ${JSON.stringify(each)}`),
    );
    return [...answers, ...again.map(({ after, input }) => ({ after: after + 3, input }))];
  }

  #answers(effect: Effect): Answer[] {
    switch (effect.t) {
      case "spawn":
        return this.#spawn(effect.run, effect.probe ?? effect.job);
      case "signal":
        return this.#signal(effect.run, effect.signo);
      case "probe":
        return this.#maybe(`probe ${effect.probe} ${effect.attempt}`, {
          t: "probed",
          probe: effect.probe,
          attempt: effect.attempt,
          ok: this.#chance(70, `ok ${effect.probe} ${effect.attempt}`),
        });
      case "announce": {
        const { service, attempt } = effect;
        return this.#maybe(`announce ${service} ${attempt}`, { t: "announced", service, attempt, ok: true });
      }
      case "withdraw":
        return this.#maybe(`withdraw ${effect.service}`, { t: "withdrawn", service: effect.service, ok: true });
      case "load":
        // Request 9 is answered by the property itself.
        return effect.request === 9 ? [] : [{ after: 5, input: { t: "planRefused", request: effect.request } }];
      case "sweep":
        return this.#maybe("sweep", { t: "swept", left: Math.max(0, --this.#left) });
      default:
        return [];
    }
  }

  #spawn(run: RunId, name: string): Answer[] {
    const { starts, ends } = this.nature;
    const count = (this.#starts.get(name) ?? 0) + 1;
    this.#starts.set(name, count);
    const key = `${name} ${count}`;
    if (!this.#chance(starts, `start ${key}`)) {
      return [{ after: 0, input: { t: "spawnFailed", run, errno: "ENOENT", code: 127 } }];
    }
    this.#alive.set(run, key);
    const spawned: Answer = { after: 0, input: { t: "spawned", run, pid: 1000 + run } };
    if (!this.#chance(ends, `end ${key}`)) return [spawned];
    return [spawned, ...this.#end(run, this.#pick([0, 5, 300, 1500, 12_000], `when ${key}`), this.#how(key), "itself")];
  }

  #signal(run: RunId, signo: number): Answer[] {
    const key = this.#alive.get(run);
    if (key === undefined) return [];
    const { stops, dies } = this.nature;
    if (signo === 9) {
      if (!this.#chance(dies, `die ${key}`)) return [];
      return this.#end(run, 1, { signal: 9, core: false }, "us");
    }
    if (!this.#chance(stops, `stop ${key}`)) return [];
    return this.#end(run, this.#pick([1, 40, 900], `stopping ${key}`), this.#how(`stopped ${key}`), "us");
  }

  #end(run: RunId, after: number, how: Ended, by: "itself" | "us"): Answer[] {
    const answers: Answer[] = [{ after, input: { t: "exited", run, how, by } }];
    const late = this.#pick([0, 0, 0, 30, 2500, -1], `group ${this.#alive.get(run)}`);
    if (late >= 0) answers.push({ after: after + late, input: { t: "groupEmpty", run } });
    return answers;
  }

  #how(key: string): Ended {
    return this.#pick<Ended>([{ code: 0 }, { code: 0 }, { code: 3 }, { signal: 11, core: true }], `how ${key}`);
  }

  #maybe(key: string, input: Unnumbered): Answer[] {
    if (!this.#chance(this.nature.answers, key)) return [];
    return [{ after: this.#pick([1, 20, 4000], `late ${key}`), input }];
  }

  #chance(percent: number, key: string): boolean {
    return this.#number(key) * 100 < percent;
  }

  #pick<T>(from: readonly T[], key: string): T {
    return from[Math.floor(this.#number(key) * from.length)] as T;
  }

  /** A number in [0, 1) that hangs on the seed and the key alone (FNV-1a). */
  #number(key: string): number {
    let hash = 0x811c9dc5 ^ this.nature.seed;
    for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return ((hash ^ (hash >>> 12)) >>> 0) / 2 ** 32;
  }
}
