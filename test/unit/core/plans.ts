/**
 * Plans from short descriptions, for transcripts and properties.
 *
 * A description is JSON: `{ jobs: [{ id, kind, … }], watches, signals, ends, stop, settle }`. `kind` gives a job the values
 * that the front ends give to such a job (below); any field of the Plan's type written beside it replaces the default,
 * objects are merged field by field. Short forms:
 *   - a condition is a text, `"exitSuccess prep"`, `"stopping app asked"`, or `{ all: […] }`, `{ any: […] }`,
 *     `{ atLeast: n, of: […] }`;
 *   - `"never"` stands for Infinity;
 *   - a probe needs only `id`; `service: "web"` is a service with the ttl of `fallAfter`.
 */
import type { Cond, FactName, Job, Leaf, Plan, Probe, Watch } from "../../../src/plan.ts";

type Loose = { [key: string]: unknown };
type Deep<T> = { [K in keyof T]?: T[K] extends object ? Deep<T[K]> : T[K] };

const never = Number.POSITIVE_INFINITY;

const anyJob: Job = {
  id: "",
  print: "",
  main: false,
  exec: true,
  timeout: never,
  captures: false,
  start: {
    on: { fact: "startup", source: "global" },
    times: 1,
    overlap: { mode: "coalesce", max: 1 },
    holdMax: never,
    quiet: 0,
    splay: 0,
  },
  restart: {
    limit: 0,
    budget: "life",
    on: "any",
    backoff: { first: 0, min: 500, factor: 2, max: 30_000, resetAfter: 10_000 },
    spent: "complete",
  },
  stop: {
    rank: 0,
    order: ["signal"],
    signal: 15,
    target: "group",
    grace: 5000,
    leftovers: "kill",
    hookMax: never,
    hooksEvenIfGone: false,
    withdrawMax: 2000,
  },
  probes: [],
  maintenancePauses: false,
  onReload: "ifChanged",
};

const v2Stop = { order: ["withdraw", "drain", "hooks", "signal"] } as const;
const v3Stop = { order: ["hooks", "withdraw", "drain", "signal"], leftovers: "term", hooksEvenIfGone: true } as const;

/** What the front ends make of the dialects' things. `begin`: preStart's success where there is a preStart, else startup. */
const kinds: Record<string, (begin: Leaf) => Deep<Job>> = {
  preStart: () => ({ restart: { spent: "stopContainer" }, onReload: "keep" }),
  app: (on) => ({
    main: true,
    start: { on },
    stop: { ...v2Stop, target: "process", leftovers: "keep" },
    onReload: "keep",
  }),
  preStop: () => ({ start: { on: { fact: "stopping", source: "app", only: "asked" } } }),
  postStop: () => ({ start: { on: { fact: "stopped", source: "app", only: "ran" } } }),
  coprocess: (on) => ({ start: { on }, stop: { rank: 1 }, onReload: "restart" }),
  task: (on) => ({
    start: { on, every: { period: 1000, first: "later" } },
    restart: { limit: never },
    timeout: 1000,
    maintenancePauses: true,
  }),
  onChange: () => ({
    start: { times: never, hold: { fact: "healthy", source: "app" }, holdMax: 5000 },
  }),
  /** A job of ContainerPilot 3. */
  job: () => ({ stop: v3Stop, onReload: "restart" }),
  /** One that waits for `stopping` or `stopped` of another. */
  hook: () => ({ stop: v3Stop, onReload: "restart" }),
  /** One with `when.interval`. */
  interval: () => ({
    start: { every: { period: 1000, first: "now" } },
    restart: { limit: never },
    timeout: 1000,
    stop: v3Stop,
    onReload: "restart",
  }),
};

const anyProbe: Probe = {
  id: "",
  how: "exec",
  every: 5000,
  first: 5000,
  timeout: never,
  startPeriod: 0,
  startEvery: 1000,
  rise: 1,
  fall: 1,
  fallAfter: 10_000,
  whileIdle: false,
  onUnhealthy: "nothing",
};

function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function merge(base: unknown, over: unknown): unknown {
  if (over === "never") return never;
  if (!isObject(over)) return over;
  const merged: Loose = isObject(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(over)) merged[key] = merge(merged[key], value);
  return merged;
}

export function cond(short: unknown): Cond {
  if (typeof short === "string") {
    const [fact, source, only] = short.split(" ");
    return { fact: fact as FactName, source: source ?? "", ...(only && { only: only as "asked" }) };
  }
  const given = short as Loose;
  const list = (given.all ?? given.any ?? given.of) as unknown[] | undefined;
  if (!list) return given as unknown as Leaf;
  const of = list.map(cond);
  return { atLeast: given.all ? of.length : given.any ? 1 : Number(given.atLeast), of };
}

function probe(given: Loose): Probe {
  const { service, ...rest } = given;
  const made = merge({ ...anyProbe, ...(rest.every ? { first: rest.every } : {}) }, rest) as Probe;
  if (typeof service === "string") return { ...made, service: { id: service, ttl: made.fallAfter } };
  return service ? { ...made, service: service as NonNullable<Probe["service"]> } : made;
}

function job(given: Loose, begin: Leaf): Job {
  const { kind = "job", on, probes = [], hold, ...rest } = given;
  const of = kinds[String(kind)];
  if (!of) throw new Error(`no kind of job ${String(kind)}`);
  const made = merge(merge(anyJob, of(begin)), rest) as Job;
  const start = { ...made.start, ...(on ? { on: cond(on) } : {}), ...(hold ? { hold: cond(hold) as Leaf } : {}) };
  return {
    ...made,
    print: made.print || JSON.stringify(given),
    start,
    probes: (probes as Loose[]).map(probe),
  };
}

/** The Plan of a description. Prints are the description's own text, so that equal descriptions are equal Plans. */
export function planOf(given: Loose): Plan {
  const jobs = (given.jobs ?? []) as Loose[];
  const preStart = jobs.some(({ kind }) => kind === "preStart");
  const begin = cond(preStart ? "exitSuccess preStart" : "startup global") as Leaf;
  const main = jobs.find(({ kind, main }) => kind === "app" || main === true);
  const mains = main !== undefined && main.exec !== false;
  const defaults = {
    signals: { 1: "reload", 2: "stop", 10: "maintenance", 15: "stop" },
    ends: {
      when: mains ? "mainEnds" : main ? "onlyAsked" : "allDone",
      code: mains ? "main" : "zero",
      overrides: jobs.flatMap(({ id, kind }) => (kind === "preStart" || kind === "postStop" ? [id] : [])),
      neverStarted: mains ? "signal" : "zero",
      map: {},
    },
    stop: { within: never, strays: 500 },
    settle: 0,
  };
  const { jobs: _, watches = [], print, ...rest } = given;
  return {
    ...(merge(defaults, rest) as Omit<Plan, "jobs" | "watches" | "print">),
    print: String(print ?? JSON.stringify(given)),
    jobs: jobs.map((each) => job(each, begin)),
    watches: (watches as Loose[]).map((each) => {
      const { from, ...more } = each;
      const watch = { id: "", print: JSON.stringify(each), maintenancePauses: true, whenUnavailable: "keep", ...more };
      return { ...watch, from: from ? (cond(from) as Leaf) : begin } as Watch;
    }),
  };
}
