/**
 * Jobs of ContainerPilot 3 as 3.8.0's own unit tests try them, row by row: what is told in which order, and how often a job
 * runs under each kind of start and restart.
 */
import { describe, expect, it } from "vitest";
import type { Effect } from "../../../src/core/contract.ts";
import { healthOf } from "../../../src/core/explain.ts";
import { planOf } from "./plans.ts";
import { Simulation } from "./simulation.ts";
import { type Behaviour, newRules, World } from "./world.ts";

const NO_BACKOFF = { first: 0, min: 0, factor: 1, max: 0, resetAfter: 0 };
const ended = (code: number, after = 10): Behaviour => ({
  runs: { after, how: { code } },
  stops: { after: 1, how: { signal: 15, core: false } },
});
/** Lives until it is told to end. */
const steady: Behaviour = { stops: { after: 1, how: { signal: 15, core: false } } };

class Played {
  readonly simulation: Simulation;
  readonly world: World;

  constructor(jobs: object[], behaviours: Record<string, Behaviour>) {
    const rules = newRules();
    for (const [name, behaviour] of Object.entries(behaviours)) rules.behaviours.set(name, behaviour);
    this.world = new World(rules);
    this.simulation = new Simulation((effect) => this.world.answer(effect));
    const plan = planOf({ jobs, signals: { 1: "fact", 12: "fact", 15: "stop" } });
    this.simulation.give(0, { t: "boot", plan, seed: 1, adopted: [] });
  }

  signal(at: number, signo: number): this {
    this.simulation.give(at, { t: "signal", signo, pid: 0, uid: 0 });
    return this;
  }

  maintenance(at: number, on: boolean): this {
    this.simulation.give(at, { t: "asked", request: at, ask: { do: "maintenance", on } });
    return this;
  }

  until(at: number): this {
    this.simulation.advance(at);
    return this;
  }

  effects(): Effect[] {
    return this.simulation.entries.flatMap(({ effects }) => [...effects]);
  }

  /** Facts of a source, in order. */
  told(source: string): string[] {
    return this.effects().flatMap((effect) =>
      effect.t === "tell" && effect.fact.source === source ? effect.fact.fact : [],
    );
  }

  runs(name: string): number {
    return this.effects().filter((effect) => effect.t === "spawn" && (effect.probe ?? effect.job) === name).length;
  }
}

describe("a job's events", () => {
  it("of a stop: startup, then stopping and stopped once each, and none afterwards", () => {
    const played = new Played([{ id: "job" }], { job: steady }).signal(100, 15).signal(200, 15).until(60_000);
    expect(played.told("global")).toEqual(["startup", "shutdown"]);
    expect(played.told("job")).toEqual(["stopping", "exitFailed", "stopped"]);
    expect(played.simulation.exit()?.code).toBe(0);
  });

  it("of a start that took too long: timerExpired, stopping, stopped; nothing where it started", () => {
    const within = { within: { ms: 100, otherwise: "quit" } };
    const jobs = [
      { id: "late", on: "signal SIGHUP", start: within },
      { id: "early", start: within },
    ];
    const played = new Played(jobs, { early: steady }).until(1000);
    expect(played.told("late")).toEqual(["timerExpired", "stopping", "stopped"]);
    expect(played.told("early")).toEqual([]);
  });

  it("of signals: each goes to the jobs that wait for it, one event for each", () => {
    const jobs = ["SIGHUP", "SIGUSR2"].map((name) => ({ id: name, on: `signal ${name}`, start: { times: "never" } }));
    const played = new Played(jobs, { SIGHUP: ended(0), SIGUSR2: ended(0) }).signal(100, 1).signal(200, 12).until(900);
    for (const name of ["SIGHUP", "SIGUSR2"]) {
      expect(played.runs(name)).toBe(1);
      expect(played.told(name)).toEqual(["signal", "exitSuccess"]);
    }
  });
});

describe("runs by start and restarts", () => {
  const never = "never";

  it.each<[string, unknown, number | "never", number, boolean]>([
    // start, its times left, restarts; after three triggers: runs, and whether it is complete
    ["once", 1, 0, 1, true],
    ["once", 1, 1, 2, true],
    ["once", 1, 3, 4, true],
    ["each", never, 0, 3, false],
    ["each", never, 1, 4, false],
    ["each", never, 3, 6, false],
  ])("%s (%s), restarts %s: %d runs, complete: %s", (_, times, limit, runs, complete) => {
    for (const code of [0, 1]) {
      const job = { id: "job", on: "signal SIGHUP", start: { times }, restart: { limit, backoff: NO_BACKOFF } };
      const played = new Played([job, { id: "other", on: "signal SIGUSR2" }], { job: ended(code) });
      played.signal(100, 1).signal(1000, 1).signal(2000, 1).until(3000);
      expect(played.runs("job")).toBe(runs);
      expect(played.told("job").includes("stopped")).toBe(complete);
      expect(played.told("job").filter((fact) => fact === (code === 0 ? "exitSuccess" : "exitFailed"))).toHaveLength(
        runs,
      );
    }
  });

  it("once, unlimited: again and again, and never complete", () => {
    const job = { id: "job", on: "signal SIGHUP", restart: { limit: never, backoff: NO_BACKOFF } };
    const played = new Played([job], { job: ended(0) }).signal(100, 1).until(1000);
    expect(played.runs("job")).toBeGreaterThan(20);
    expect(played.told("job")).not.toContain("stopped");
  });

  it("an interval with two restarts: three runs in all, one at once; then it is complete", () => {
    const job = { id: "job", kind: "interval", start: { every: { period: 250, first: "now" } }, restart: { limit: 2 } };
    const played = new Played([job], { job: ended(0) }).until(1100);
    expect(played.runs("job")).toBe(3);
    expect(played.told("job").slice(-2)).toEqual(["stopping", "stopped"]);
    expect(played.simulation.exit()?.code).toBe(0);
  });

  it("an interval without restarts goes on", () => {
    const job = { id: "job", kind: "interval", start: { every: { period: 250, first: "now" } } };
    expect(new Played([job], { job: ended(1) }).until(2600).runs("job")).toBe(11);
  });
});

describe("maintenance", () => {
  const job = { id: "job", probes: [{ id: "check.job", every: 1000, service: "job" }] };
  const health = ({ simulation }: Played) => healthOf(simulation.state, "job");

  it("is entered, left unknown, and good again with the next good check", () => {
    const played = new Played([job], { job: steady, "check.job": ended(0) }).until(500);
    expect(health(played)).toBe("healthy");
    expect(health(played.maintenance(600, true))).toBe("maintenance");
    expect(health(played.until(3000))).toBe("maintenance");
    expect(health(played.maintenance(3100, false))).toBe("unknown");
    expect(health(played.until(6000))).toBe("healthy");
  });

  it.each([0, 1])("makes nothing of a check that was on its way and ends with %d", (code) => {
    const played = new Played([job], { job: steady, "check.job": ended(code, 400) }).until(100);
    const before = played.told("job").length;
    played.maintenance(200, true).until(900);
    expect(played.told("job")).toHaveLength(before);
    expect(health(played)).toBe("maintenance");
  });
});
