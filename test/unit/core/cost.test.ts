/** What a step costs, counted in visits to jobs; times would say something about the machine. */
import { describe, expect, it } from "vitest";
import type { Effect } from "../../../src/core/contract.ts";
import { newState } from "../../../src/core/fresh.ts";
import type { JobState, State } from "../../../src/core/state.ts";
import { step } from "../../../src/core/step.ts";
import type { Plan } from "../../../src/plan.ts";
import { planOf } from "./plans.ts";
import type { Unnumbered } from "./simulation.ts";

/** Counts each look-up and each step of an iteration. */
class Counted extends Map<string, JobState> {
  visits = 0;
  override get(id: string): JobState | undefined {
    this.visits++;
    return super.get(id);
  }
  override *values(): MapIterator<JobState> {
    for (const own of super.values()) {
      this.visits++;
      yield own;
    }
  }
}

function boot(plan: Plan): { state: State; jobs: Counted; give(input: Unnumbered, now: number): readonly Effect[] } {
  const state = newState();
  const jobs = new Counted();
  state.jobs = jobs;
  const give = (input: Unnumbered, now: number): readonly Effect[] => {
    jobs.visits = 0;
    return step(state, { ...input, id: state.lastId + 1 } as Parameters<typeof step>[1], now);
  };
  give({ t: "boot", plan, seed: 1, adopted: [] }, 0);
  return { state, jobs, give };
}

const many = 1000;
const crowd = Array.from({ length: many }, (_, number) => ({ id: `on-a-${number}`, on: "exitSuccess a" }));
const others = Array.from({ length: many }, (_, number) => ({ id: `other-${number}`, on: "exitSuccess nobody" }));
const plan = planOf({ jobs: [{ id: "a" }, { id: "z" }, ...crowd, ...others] });
const ended = (run: number): Unnumbered => ({ t: "exited", run, how: { code: 0 }, by: "itself" });

describe("a step", () => {
  it("visits the listeners of a fact, and nobody else", () => {
    const { jobs, give } = boot(plan);
    const spawns = give(ended(1), 10).filter(({ t }) => t === "spawn");
    expect(spawns).toHaveLength(many);
    expect(jobs.visits).toBeLessThan(2 * many);
  });

  it("visits next to nobody for a fact that nobody waits for", () => {
    const { jobs, give } = boot(plan);
    expect(give(ended(2), 10).some(({ t }) => t === "tell")).toBe(true);
    expect(jobs.visits).toBeLessThan(10);
  });

  it("visits nobody when nothing is due", () => {
    const { jobs, give } = boot(plan);
    expect(give({ t: "wake" }, 20)).toEqual([]);
    expect(jobs.visits).toBe(0);
  });

  it("visits the owner of a timer that is due", () => {
    const tasks = Array.from({ length: many }, (_, number) => ({
      id: `task-${number}`,
      kind: "interval",
      start: { every: { period: 1000 + number, first: "later" } },
    }));
    const { jobs, give } = boot(planOf({ jobs: tasks }));
    expect(give({ t: "wake" }, 1000)).toHaveLength(1);
    expect(jobs.visits).toBeLessThan(10);
  });

  it("stops a thousand jobs with no more than a few visits each", () => {
    const { jobs, give } = boot(planOf({ jobs: Array.from({ length: many }, (_, number) => ({ id: `j${number}` })) }));
    const signals = give({ t: "signal", signo: 15, pid: 0, uid: 0 }, 10).filter(({ t }) => t === "signal");
    expect(signals).toHaveLength(many);
    expect(jobs.visits).toBeLessThan(12 * many);
  });
});
