/** Two hundred reloads back to back, then one that counts. */
import { expect, it } from "vitest";
import type { Effect } from "../../../src/core/contract.ts";
import { planOf } from "./plans.ts";
import { Simulation } from "./simulation.ts";
import { newRules, World } from "./world.ts";

const count = 200;
const names = ["app", "sidecar", "drain", "tail", "tick"];

const plan = (version: number) =>
  planOf({
    print: `version ${version}`,
    jobs: [
      { id: "app", print: `app ${version}`, probes: [{ id: "check.app", service: "app" }] },
      { id: "sidecar", restart: { limit: "never" } },
      { id: "drain", kind: "hook", on: "stopping app" },
      { id: "tail", kind: "hook", on: "stopped app" },
      { id: "tick", kind: "interval" },
    ],
    watches: [{ id: "watch.a" }, { id: "watch.b" }],
  });

/** Every `gap` ms a reload; `stops`: how long the processes take to end. */
function storm(gap: number, stops: number): { effects: Effect[]; simulation: Simulation } {
  const rules = newRules();
  for (const name of ["app", "sidecar"]) rules.behaviours.set(name, { stops: { after: stops, how: { code: 0 } } });
  for (const name of ["drain", "tail", "tick", "check.app"]) {
    rules.behaviours.set(name, { runs: { after: 5, how: { code: 0 } } });
  }
  const world = new World(rules);
  const simulation = new Simulation((effect) => world.answer(effect));
  simulation.give(0, { t: "boot", plan: plan(0), seed: 1, adopted: [] });
  for (let n = 1; n <= count + 1; n++) {
    simulation.give(1000 + n * gap, { t: "asked", request: n, ask: { do: "reload" } });
    simulation.give(1000 + n * gap, { t: "planned", request: n, plan: plan(n) });
  }
  simulation.advance(1000 + (count + 1) * gap + 30_000);
  return { effects: simulation.entries.flatMap(({ effects }) => effects), simulation };
}

it.each([
  ["at once, processes that end at once", 0, 1],
  ["at once, processes that take their time", 0, 3000],
  ["one after another", 10, 100],
  ["slower than the stop takes", 200, 20],
])("%s: each is answered once, nothing runs twice, the last one is in force", (_, gap, stops) => {
  const { effects, simulation } = storm(gap, stops);
  const replies = effects.filter((effect) => effect.t === "reply");
  expect(replies.map(({ request }) => request).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: count + 1 }, (__, n) => n + 1),
  );
  expect(replies.find(({ request }) => request === count + 1)).toMatchObject({ ok: true });
  expect(simulation.state.plan.print).toBe(`version ${count + 1}`);
  for (const name of ["app", "sidecar"]) expect(simulation.state.jobs.get(name)?.phase).toBe("running");

  const alive = new Map<string, number>();
  const runs = new Map<number, string>();
  for (const { input, effects: made } of simulation.entries) {
    if (input.t === "exited") alive.delete(runs.get(input.run) ?? "");
    for (const effect of made) {
      if (effect.t !== "spawn") continue;
      const name = effect.probe ?? effect.job;
      expect(alive.has(name), `${name} runs twice`).toBe(false);
      alive.set(name, effect.run);
      runs.set(effect.run, name);
    }
  }
  expect(names.filter((name) => alive.has(name))).toEqual(["app", "sidecar"]);
});
