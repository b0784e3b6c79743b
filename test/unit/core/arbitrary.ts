/**
 * Random Plans, worlds and scripts for the properties. All values are of the kinds that the front ends can make, small
 * enough that collisions (same names, same moments) are common.
 */
import fc from "fast-check";
import type { Cond, Job, Plan, Probe } from "../../../src/plan.ts";
import { planOf } from "./plans.ts";
import type { Unnumbered } from "./simulation.ts";

const never = Number.POSITIVE_INFINITY;
const names = ["a", "b", "c", "d", "e"] as const;
/** Names something else: sources that nothing has are users' typos. */
const sources = [...names, "nobody"] as const;
const name = fc.constantFrom(...names);

const leaf = fc.oneof(
  { weight: 3, arbitrary: fc.constant("startup global") },
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom("exitSuccess", "exitFailed", "stopping", "stopped", "healthy", "unhealthy", "gaveUp"),
        fc.constantFrom(...sources),
        fc.constantFrom("", "", " asked", " ran"),
      )
      .map(([fact, source, only]) => `${fact} ${source}${only}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("changed watch.x", "healthy watch.x", "signal SIGHUP", "enterMaintenance global"),
  },
);

const condition = fc.oneof(
  { weight: 5, arbitrary: leaf },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("all", "any"), fc.array(leaf, { minLength: 1, maxLength: 3 }))
      .map(([how, of]) => ({ [how]: of })),
  },
);

function probes(owner: string) {
  const one = (number: number) =>
    fc.record({
      id: fc.constant(`check.${owner}${number}`),
      how: fc.constantFrom<Probe["how"]>("exec", "exec", "builtin", "always"),
      every: fc.constantFrom(500, 5000),
      timeout: fc.constantFrom(never, 700),
      rise: fc.constantFrom(1, 1, 2),
      fall: fc.constantFrom(1, 1, 3),
      fallAfter: fc.constantFrom(0, 10_000),
      startPeriod: fc.constantFrom(0, 0, 3000),
      whileIdle: fc.constantFrom(false, false, false, true),
      onUnhealthy: fc.constantFrom<Probe["onUnhealthy"]>("nothing", "nothing", "nothing", "restart", "stopContainer"),
      service: fc.constantFrom(`svc.${owner}${number}`, undefined),
    });
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.tuple(one(1)) },
    { weight: 1, arbitrary: fc.tuple(one(1), one(2)) },
  );
}

const orders = [
  ["withdraw", "drain", "hooks", "signal"],
  ["hooks", "withdraw", "drain", "signal"],
  ["signal"],
] as const;

function job(id: string) {
  return fc
    .record({
      exec: fc.constantFrom(true, true, true, true, false),
      timeout: fc.constantFrom(never, never, 3000),
      on: condition,
      start: fc.record({
        times: fc.constantFrom(1, 1, 1, never, 0),
        quiet: fc.constantFrom(0, 0, 0, 300),
        splay: fc.constantFrom(0, 0, 0, 200),
        holdMax: fc.constantFrom(never, 2000),
        overlap: fc.constantFrom(
          { mode: "coalesce", max: 1 },
          { mode: "queue", max: 3 },
          { mode: "skip", max: 0 },
          { mode: "replace", max: 1 },
        ),
      }),
      every: fc.constantFrom(
        undefined,
        undefined,
        undefined,
        { period: 1000, first: "now" },
        { period: 700, first: "later" },
      ),
      within: fc.constantFrom(
        ...[undefined, undefined, undefined],
        { ms: 1500, otherwise: "quit" },
        { ms: 1500, otherwise: "start" },
        { ms: 1500, otherwise: { exit: 75 } },
      ),
      hold: fc.constantFrom(undefined, undefined, undefined, "healthy a"),
      restart: fc.record({
        limit: fc.constantFrom(0, 0, 1, 3, never),
        budget: fc.constantFrom("life", "trigger"),
        on: fc.constantFrom("any", "failure"),
        spent: fc.constantFrom("complete", "complete", "stopContainer"),
      }),
      stop: fc.record({
        rank: fc.constantFrom(0, 0, 1),
        order: fc.constantFrom(...orders),
        target: fc.constantFrom("process", "group"),
        grace: fc.constantFrom(0, 1000, 5000),
        leftovers: fc.constantFrom("keep", "term", "kill"),
        hookMax: fc.constantFrom(never, never, 2000),
        hooksEvenIfGone: fc.boolean(),
        drain: fc.constantFrom(undefined, undefined, { quiet: 200, max: 3000 }),
      }),
      probes: probes(id),
      maintenancePauses: fc.boolean(),
      onReload: fc.constantFrom("keep", "restart", "ifChanged"),
    })
    .map(({ every, within, start, ...rest }) => ({
      id,
      kind: "job",
      ...rest,
      start: { ...start, ...(every && { every }), ...(within && { within }) },
    }));
}

/** `main`: the first job is the main one, runs once and is never restarted but by request. */
export const planArbitrary: fc.Arbitrary<Plan> = fc
  .record({
    jobs: fc
      .uniqueArray(name, { minLength: 1, maxLength: names.length })
      .chain((ids) => fc.tuple(...ids.map((id) => job(id)))),
    main: fc.boolean(),
    stop: fc.record({ within: fc.constantFrom(never, never, 8000), strays: fc.constantFrom(0, 500) }),
    code: fc.constantFrom("firstFailure", "worst", "zero"),
    watch: fc.boolean(),
  })
  .map(({ jobs, main, stop, code, watch }) => {
    const [first, ...others] = jobs;
    const all: object[] = [...jobs];
    if (main && first) {
      const once = { ...first.start, times: 1, every: undefined, within: undefined };
      const restart = { ...first.restart, limit: 0 };
      const on = "startup global";
      all.splice(0, jobs.length, { ...first, main: true, exec: true, on, start: once, restart }, ...others);
    }
    const watches = watch ? [{ id: "watch.x" }] : [];
    const plan = planOf({ print: "plan", jobs: all, stop, watches, ...(main ? {} : { ends: { code } }) });
    return withoutUndefined({ ...plan, jobs: plan.jobs.map((each) => ({ ...each, print: each.id })) });
  });

/** Optional fields are absent, not undefined, as the front ends make them. */
function withoutUndefined<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutUndefined) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutUndefined(each)])) as T;
}

/** A step of a script: after so much time, this happens. */
export interface Happens {
  gap: number;
  input: Unnumbered;
}

const outside: fc.Arbitrary<Unnumbered> = fc.oneof(
  fc.constantFrom<Unnumbered>(
    { t: "signal", signo: 1, pid: 0, uid: 0 },
    { t: "signal", signo: 10, pid: 0, uid: 0 },
    { t: "signal", signo: 12, pid: 0, uid: 0 },
    { t: "wake" },
    { t: "asked", request: 1, ask: { do: "maintenance", on: true, for: 900 } },
    { t: "asked", request: 2, ask: { do: "maintenance", on: false } },
    { t: "asked", request: 3, ask: { do: "dryRun" } },
  ),
  name.map<Unnumbered>((job) => ({ t: "asked", request: 4, ask: { do: "signal", job, signo: 10 } })),
  fc
    .record({ revision: fc.nat(5), count: fc.nat(2), differs: fc.boolean() })
    .map<Unnumbered>((seen) => ({ t: "watched", watch: "watch.x", ...seen })),
  fc
    .tuple(fc.constantFrom<"forgotten" | "clashed">("forgotten", "clashed"), name)
    .map<Unnumbered>(([t, owner]) => ({ t, service: `svc.${owner}1` })),
  fc.tuple(name, fc.nat(2)).map<Unnumbered>(([job, open]) => ({ t: "connections", job, open })),
);

/** Asks for restarts as well. */
export const restarts: fc.Arbitrary<Unnumbered> = name.map((job) => ({
  t: "asked",
  request: 5,
  ask: { do: "restart", job },
}));

export function script(...more: fc.Arbitrary<Unnumbered>[]): fc.Arbitrary<Happens[]> {
  const input = fc.oneof({ weight: 3, arbitrary: outside }, ...more.map((arbitrary) => ({ weight: 1, arbitrary })));
  return fc.array(fc.record({ gap: fc.constantFrom(0, 1, 7, 100, 1000, 5000), input }), { maxLength: 12 });
}

/** How likely the world is to be well-behaved. */
export interface Nature {
  seed: number;
  /** Percent of processes that end by themselves, that a stop signal ends, that KILL ends, and that can be started. */
  ends: number;
  stops: number;
  dies: number;
  starts: number;
  /** Percent of the catalog's answers that come, and of all answers that come twice. */
  answers: number;
  twice: number;
}

export const nature: fc.Arbitrary<Nature> = fc.record({
  seed: fc.nat(),
  ends: fc.constantFrom(0, 50, 90),
  stops: fc.constantFrom(0, 50, 100),
  dies: fc.constantFrom(100, 100, 50),
  starts: fc.constantFrom(100, 80),
  answers: fc.constantFrom(0, 50, 100),
  twice: fc.constantFrom(0, 20),
});

/** Whether a job waits for somebody's `stopping` or `stopped`. */
export function isHook(given: Job): boolean {
  const test = (on: Cond): boolean => ("of" in on ? on.of.some(test) : on.fact === "stopping" || on.fact === "stopped");
  return given.exec && test(given.start.on);
}
