/**
 * The core's invariants over random Plans, worlds and inputs. A failure prints fast-check's seed and path: give them as
 * `{ seed, path }` beside `numRuns` to replay it.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Effect } from "../../../src/core/contract.ts";
import { bootEarly } from "../../../src/core/early.ts";
import { newState } from "../../../src/core/fresh.ts";
import { memoryText } from "../../../src/core/memory.ts";
import { diffOf } from "../../../src/core/reload.ts";
import { step } from "../../../src/core/step.ts";
import type { Plan } from "../../../src/plan.ts";
import { type Happens, isHook, type Nature, nature, planArbitrary, restarts, script } from "./arbitrary.ts";
import { describeEntry } from "./describe.ts";
import { Simulation, type Unnumbered } from "./simulation.ts";
import { WildWorld } from "./wild.ts";

const numRuns = Number(process.env.PROPERTY_RUNS ?? 200);
const term: Unnumbered = { t: "signal", signo: 15, pid: 0, uid: 0 };
const hour = 3_600_000;

function play(plan: Plan, nature: Nature, happens: readonly Happens[]): { world: WildWorld; simulation: Simulation } {
  const world = new WildWorld(nature);
  const simulation = new Simulation((effect) => world.answer(effect));
  simulation.give(0, { t: "boot", plan, seed: nature.seed, adopted: [] });
  for (const { gap, input } of happens) simulation.give(simulation.now + gap, input);
  return { world, simulation };
}

/** The whole play as text, for a failure. */
function told(simulation: Simulation): string {
  return simulation.entries.flatMap(describeEntry).slice(-150).join("\n");
}

function effectsOf(simulation: Simulation): { at: number; index: number; effect: Effect }[] {
  return simulation.entries.flatMap((entry, index) => entry.effects.map((effect) => ({ at: entry.at, index, effect })));
}

/** An upper bound for a stop in which every hook has a limit: a plain sum of everything that can be waited for. */
function boundOf(plan: Plan, hookLimit: number): number {
  const lost = 5000;
  const group = 10 + 2000 + 2000;
  const cut = 1000;
  const each = plan.jobs.map(({ stop, timeout, probes, start }) => {
    const run = Math.min(timeout, hookLimit) + stop.grace + cut + lost + group;
    const withdraw = 2 * stop.withdrawMax;
    const delays = start.quiet * 11 + start.splay;
    const drain = stop.drain ? stop.drain.max + stop.drain.quiet : 0;
    return run * 2 + withdraw + drain + delays + Math.min(stop.hookMax, 0) + probes.length * (lost + group);
  });
  return each.reduce((sum, ms) => sum + ms, 0) + plan.stop.strays + 1500;
}

function hooksHaveLimits(plan: Plan): boolean {
  return plan.jobs.every((job) => !isHook(job) || job.timeout < Number.POSITIVE_INFINITY);
}

describe("the core", () => {
  it("1: spawns a main job that runs once at most once", () => {
    fc.assert(
      fc.property(planArbitrary, nature, script(fc.constant(term)), (plan, world, happens) => {
        const { simulation } = play(plan, world, happens);
        simulation.advance(simulation.now + 60_000);
        for (const { id } of plan.jobs.filter(
          ({ main, probes }) => main && probes.every((probe) => probe.onUnhealthy !== "restart"),
        )) {
          const spawns = effectsOf(simulation).filter(
            ({ effect }) => effect.t === "spawn" && effect.job === id && effect.probe === undefined,
          );
          expect(spawns.length, told(simulation)).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns },
    );
  });

  it("2: leaves no run behind, and starts each run once", () => {
    fc.assert(
      fc.property(planArbitrary, nature, script(fc.constant(term), restarts), (plan, world, happens) => {
        const { simulation } = play(plan, world, happens);
        simulation.give(simulation.now + 10, term);
        simulation.give(simulation.now + hour, term);
        simulation.advance(simulation.now + hour);
        const runs = effectsOf(simulation).flatMap(({ effect }) => (effect.t === "spawn" ? [effect.run] : []));
        expect(new Set(runs).size).toBe(runs.length);
        if (plan.stop.within === Number.POSITIVE_INFINITY) expect(simulation.state.runs.size, told(simulation)).toBe(0);
      }),
      { numRuns },
    );
  });

  it("3: starts nothing but hooks once it stops", () => {
    fc.assert(
      fc.property(planArbitrary, nature, script(fc.constant(term), restarts), (plan, world, happens) => {
        const { simulation } = play(plan, world, happens);
        simulation.advance(simulation.now + 60_000);
        const hooks = new Set(plan.jobs.filter(isHook).map(({ id }) => id));
        let stopping = false;
        for (const { effect } of effectsOf(simulation)) {
          if (effect.t === "tell" && effect.fact.fact === "shutdown") stopping = true;
          if (!stopping || effect.t !== "spawn") continue;
          expect(effect.probe === undefined && hooks.has(effect.job), told(simulation)).toBe(true);
        }
      }),
      { numRuns },
    );
  });

  it("4: signals no run that has ended, announces no service that is leaving, in maintenance or stopping", () => {
    fc.assert(
      fc.property(planArbitrary, nature, script(fc.constant(term), restarts), (plan, world, happens) => {
        const { simulation } = play(plan, world, happens);
        simulation.give(simulation.now + 2000, term);
        simulation.advance(simulation.now + 60_000);
        checkSignals(simulation);
        checkAnnounces(plan, simulation);
      }),
      { numRuns },
    );
  });

  it("5: is gone after a TERM within the bound of the Plan", () => {
    fc.assert(
      fc.property(planArbitrary, nature, script(restarts), fc.boolean(), (plan, world, happens, silent) => {
        const { simulation, world: wild } = play(plan, world, happens);
        if (simulation.exit()) return;
        wild.silent = silent;
        const at = simulation.now + 5;
        simulation.give(at, term);
        if (plan.stop.within < Number.POSITIVE_INFINITY) {
          simulation.advance(at + plan.stop.within);
          expect(simulation.exit(), told(simulation)).toBeDefined();
          return;
        }
        if (hooksHaveLimits(plan)) simulation.advance(at + boundOf(plan, hour));
        else {
          simulation.give(at + hour, term);
          simulation.advance(at + hour + boundOf(plan, 5000));
        }
        expect(simulation.exit(), told(simulation)).toBeDefined();
      }),
      { numRuns },
    );
  });

  it("6: ends with the main job's code when that ends", () => {
    fc.assert(
      fc.property(planArbitrary, nature, script(), fc.nat(255), (plan, world, happens, code) => {
        const main = plan.jobs.find((job) => job.main);
        const { simulation } = play(plan, { ...world, ends: 0 }, happens);
        simulation.advance(simulation.now);
        const run = simulation.state.jobs.get(main?.id ?? "")?.run;
        if (run === undefined || simulation.state.life !== "running" || simulation.state.runs.get(run)?.gone) return;
        if (simulation.state.runs.get(run)?.ending) return;
        simulation.give(simulation.now, { t: "exited", run, how: { code }, by: "itself" });
        simulation.advance(simulation.now + 10 * hour);
        simulation.give(simulation.now, term);
        simulation.give(simulation.now + 1, term);
        simulation.advance(simulation.now + hour);
        expect(simulation.exit()?.code, told(simulation)).toBe(code);
      }),
      { numRuns },
    );
  });

  it("7: makes nothing of spurious wakes, of stale inputs and of repeated ones", () => {
    fc.assert(
      fc.property(planArbitrary, nature, script(fc.constant(term), restarts), (plan, world, happens) => {
        const { simulation } = play(plan, world, happens);
        simulation.advance(simulation.now + 20_000);
        const { state, now } = simulation;
        expect(step(state, { t: "wake", id: state.lastId + 1 }, now)).toEqual([]);
        const repeatable = new Set([
          "spawned",
          "spawnFailed",
          "exited",
          "groupEmpty",
          "probed",
          "watched",
          "withdrawn",
        ]);
        for (const { input } of simulation.entries) {
          if (!repeatable.has(input.t)) continue;
          expect(step(state, { ...input, id: state.lastId + 1 }, now), told(simulation)).toEqual([]);
        }
      }),
      { numRuns },
    );
  });

  it("8: is the same after a refused Plan", () => {
    fc.assert(
      fc.property(planArbitrary, nature, script(restarts), (plan, world, happens) => {
        const { simulation } = play(plan, world, happens);
        const { state, now } = simulation;
        if (state.life !== "running") return;
        const before = picture(state);
        step(state, { t: "asked", request: 9, ask: { do: "reload" }, id: state.lastId + 1 }, now);
        const effects = step(state, { t: "planRefused", request: 9, id: state.lastId + 1 }, now);
        expect(effects.map(({ t }) => t)).toEqual(["log", "reply"]);
        expect(picture(state)).toEqual(before);
      }),
      { numRuns },
    );
  });

  it("9: says so, replies and does nothing else when a Plan is replaced by itself", () => {
    fc.assert(
      fc.property(planArbitrary, nature, script(restarts), (given, world, happens) => {
        const jobs = given.jobs.map((job) => ({ ...job, onReload: "ifChanged" as const }));
        const plan = { ...given, jobs };
        const { simulation } = play(plan, world, happens);
        const { state, now } = simulation;
        if (state.life !== "running") return;
        step(state, { t: "asked", request: 9, ask: { do: "reload" }, id: state.lastId + 1 }, now);
        const effects = step(
          state,
          { t: "planned", request: 9, plan: structuredClone(plan), id: state.lastId + 1 },
          now,
        );
        expect(
          effects.map(({ t }) => t),
          told(simulation),
        ).toEqual(["log", "reply"]);
      }),
      { numRuns },
    );
  });

  it("10: does the same to processes whatever the catalog answers, but for withdrawMax", () => {
    fc.assert(
      fc.property(planArbitrary, nature, (given, world) => {
        const plan = { ...given, jobs: given.jobs.map((job) => ({ ...job, timeout: Number.POSITIVE_INFINITY })) };
        // Shares of stop.within are shares of the time that is left, which the catalog uses up.
        fc.pre(plan.stop.within === Number.POSITIVE_INFINITY);
        const calm = { ...world, ends: 0, stops: 100, dies: 100, twice: 0 };
        const [good, bad] = [100, 0].map((answers) => {
          const { simulation } = play(plan, { ...calm, answers }, [{ gap: 3000, input: term }]);
          simulation.advance(simulation.now + 120_000);
          return simulation;
        });
        if (!good || !bad || plan.jobs.some(({ probes }) => probes.some(({ how }) => how === "builtin"))) return;
        expect(deedsByJob(bad), told(bad)).toEqual(deedsByJob(good));
      }),
      { numRuns },
    );
  });

  it("11: leaves unchanged jobs alone in a reload, gets to the new Plan, and stops from anywhere in between", () => {
    fc.assert(
      fc.property(
        planArbitrary,
        planArbitrary,
        nature,
        script(restarts),
        fc.nat(20_000),
        (old, next, world, happens, wait) => {
          const plan = { ...next, print: "next", stop: old.stop, ends: old.ends };
          const { simulation, world: wild } = play(old, world, happens);
          if (simulation.state.life !== "running") return;
          const kept = new Set(diffOf(old, plan).kept);
          simulation.give(simulation.now, { t: "asked", request: 9, ask: { do: "reload" } });
          const from = simulation.entries.length;
          simulation.give(simulation.now, { t: "planned", request: 9, plan });
          const running = simulation.state.life === "running";
          for (const { effects } of simulation.entries.slice(from)) {
            const stopped = effects.flatMap((effect) =>
              effect.t === "tell" && effect.fact.asked ? [effect.fact.source] : [],
            );
            if (running)
              expect(
                stopped.filter((id) => kept.has(id)),
                told(simulation),
              ).toEqual([]);
          }
          simulation.advance(simulation.now + wait);
          if (simulation.state.life === "running" && !simulation.state.reload) {
            expect([...simulation.state.jobs.keys()]).toEqual(plan.jobs.map(({ id }) => id));
          }
          wild.silent = true;
          simulation.give(simulation.now, term);
          simulation.give(simulation.now + hour, term);
          simulation.advance(simulation.now + boundOf(old, 5000) + boundOf(plan, 5000));
          expect(simulation.exit(), told(simulation)).toBeDefined();
        },
      ),
      { numRuns },
    );
  });

  it("12: goes on with adopted processes, starts none of them again, and stops them", () => {
    fc.assert(
      fc.property(planArbitrary, nature, fc.subarray(["a", "b", "c", "d", "e"]), (plan, world, names) => {
        const wild = new WildWorld({ ...world, ends: 0 });
        const simulation = new Simulation((effect) => wild.answer(effect));
        const jobs = plan.jobs.filter(({ id, exec }) => exec && names.includes(id));
        const adopted = jobs.map(({ id }, index) => ({ run: index + 1, job: id, pid: 50 + index, age: 60_000 }));
        simulation.give(0, { t: "boot", plan, seed: 1, adopted });
        const first = simulation.entries[0]?.effects ?? [];
        const spawned = first.flatMap((effect) =>
          effect.t === "spawn" && effect.probe === undefined ? [effect.job] : [],
        );
        expect(
          spawned.filter((id) => jobs.some((job) => job.id === id)),
          told(simulation),
        ).toEqual([]);
        simulation.give(1000, term);
        simulation.give(hour, term);
        simulation.advance(hour + boundOf(plan, 5000));
        expect(simulation.exit(), told(simulation)).toBeDefined();
      }),
      { numRuns },
    );
  });

  it("13: boots early as it boots whole", () => {
    fc.assert(
      fc.property(planArbitrary, (plan) => {
        const boot = { t: "boot", id: 1, plan, seed: 7, adopted: [] } as const;
        const whole = newState();
        const all = [...step(whole, boot, 0), ...step(whole, { t: "wake", id: whole.lastId + 1 }, 0)];
        const { state, effects } = bootEarly(boot, 0);
        const both = [...effects, ...step(state, { t: "wake", id: state.lastId + 1 }, 0)];
        // What is left to the second step is told under ids of its own, and may be told later than what was not.
        const bare = (list: readonly Effect[]) =>
          list.map((effect) => JSON.stringify({ ...effect, cause: 0, id: 0, run: 0 })).sort();
        expect(bare(both)).toEqual(bare(all));
        const idle = plan.jobs.some(({ probes }) => probes.some(({ whileIdle }) => whileIdle));
        if (idle || plan.jobs.some(({ exec, start }) => !exec || start.splay > 0)) return;
        expect(both).toEqual(all);
        expect(picture(state)).toEqual(picture(whole));
      }),
      { numRuns },
    );
  });

  it("14: remembers after each step what it would write if it had never written before", () => {
    fc.assert(
      fc.property(
        planArbitrary,
        planArbitrary,
        nature,
        script(fc.constant(term), restarts),
        (plan, next, world, happens) => {
          const wild = new WildWorld(world);
          const simulation = new Simulation(
            (effect) => {
              if (effect.t !== "load" || effect.request !== 9) return wild.answer(effect);
              return [{ after: 5, input: { t: "planned", request: 9, plan: next } }];
            },
            (state) => {
              const kept = memoryText(state);
              for (const own of state.jobs.values()) own.remembered = undefined;
              expect(JSON.parse(kept)).toEqual(JSON.parse(memoryText(state)));
            },
          );
          simulation.give(0, { t: "boot", plan, seed: world.seed, adopted: [] });
          const half = Math.floor(happens.length / 2);
          for (const { gap, input } of happens.slice(0, half)) simulation.give(simulation.now + gap, input);
          simulation.give(simulation.now + 10, { t: "asked", request: 9, ask: { do: "reload" } });
          for (const { gap, input } of happens.slice(half)) simulation.give(simulation.now + gap, input);
          simulation.advance(simulation.now + 20_000);
        },
      ),
      { numRuns: numRuns / 2 },
    );
  });

  it("is deterministic, and only its state matters", () => {
    fc.assert(
      fc.property(planArbitrary, nature, script(fc.constant(term), restarts), (plan, world, happens) => {
        const { simulation } = play(plan, world, happens);
        const again = play(plan, world, happens).simulation;
        expect(again.entries).toEqual(simulation.entries);
        const copy = structuredClone(simulation.state);
        const input = { ...term, id: copy.lastId + 1 };
        expect(step(copy, input, simulation.now)).toEqual(step(simulation.state, input, simulation.now));
        expect(picture(copy)).toEqual(picture(simulation.state));
      }),
      { numRuns },
    );
  });
});

/** The state without what every input moves. */
function picture(state: Simulation["state"]): unknown {
  const { now, lastId, heap, armedEver, out, ...rest } = structuredClone(state);
  const timers = new Map([...rest.timers].map(([key, { timer, at, cause }]) => [key, { timer, at, cause }]));
  return { ...rest, timers };
}

function checkSignals(simulation: Simulation): void {
  const gone = new Set<number>();
  const empty = new Set<number>();
  for (const { input, effects } of simulation.entries) {
    if (input.t === "exited" || input.t === "spawnFailed") gone.add(input.run);
    if (input.t === "spawnFailed" || (input.t === "groupEmpty" && gone.has(input.run))) empty.add(input.run);
    for (const effect of effects) {
      if (effect.t !== "signal") continue;
      const over = effect.target === "group" ? empty : gone;
      expect(over.has(effect.run), told(simulation)).toBe(false);
    }
  }
}

function checkAnnounces(plan: Plan, simulation: Simulation): void {
  const owner = new Map(plan.jobs.flatMap((job) => job.probes.map((probe) => [probe.service?.id, job.id])));
  const leaving = new Set<string>();
  const stopping = new Set<string>();
  let maintenance = false;
  for (const { input, effects } of simulation.entries) {
    if (input.t === "withdrawn") leaving.delete(input.service);
    for (const effect of effects) {
      if (effect.t === "withdraw") leaving.add(effect.service);
      if (effect.t === "log" && effect.code === "withdrawGaveUp") leaving.delete(String(effect.about.service));
      if (effect.t === "tell") {
        const { fact, source } = effect.fact;
        if (fact === "stopping") stopping.add(source);
        if (fact === "stopped") stopping.delete(source);
        if (fact === "enterMaintenance") maintenance = true;
        if (fact === "exitMaintenance") maintenance = false;
      }
      if (effect.t === "log" && effect.code === "maintenanceOn") maintenance = true;
      if (effect.t === "log" && effect.code === "maintenanceOff") maintenance = false;
      if (effect.t !== "announce") continue;
      const job = owner.get(effect.service) ?? "";
      expect([leaving.has(effect.service), stopping.has(job), maintenance], told(simulation)).toEqual([
        false,
        false,
        false,
      ]);
    }
  }
}

/** Each job's spawns and signals, in order. */
function deedsByJob(simulation: Simulation): Record<string, string[]> {
  const jobs: Record<string, string[]> = {};
  const owner = new Map<number, string>();
  for (const { effect } of effectsOf(simulation)) {
    if (effect.t === "spawn" && effect.probe === undefined) {
      owner.set(effect.run, effect.job);
      jobs[effect.job] = [...(jobs[effect.job] ?? []), "spawn"];
    } else if (effect.t === "signal" && owner.has(effect.run)) {
      jobs[owner.get(effect.run) ?? ""]?.push(`signal ${effect.signo} ${effect.target}`);
    }
  }
  return jobs;
}
