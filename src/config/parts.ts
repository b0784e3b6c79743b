/** What both dialects put together in the same way: jobs, watches, and the finished configuration. */
import type { Cond, Deeds, Job, Leaf, Loaded, Ms, Plan, Restart, Service } from "../plan.ts";
import { fingerprint } from "./fingerprint.ts";

export const STARTUP: Leaf = { fact: "startup", source: "global" };

/** Restart at once, then 500 ms doubled up to 30 s; ten seconds of life reset it. */
export const BACKOFF: Restart["backoff"] = { first: 0, min: 500, factor: 2, max: 30_000, resetAfter: 10_000 };

export const EARLY_PROBE_MS: Ms = 1000;

export const ONE_RUN: Restart = { limit: 0, budget: "life", on: "any", backoff: BACKOFF, spent: "complete" };

/** A record by names that come from the file, which may be `__proto__` or `toString`. */
export function recordOf<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  const record = Object.create(null) as Record<string, T>;
  for (const [name, value] of entries) record[name] = value;
  return record;
}

/** A start by one condition, with nothing around it. */
export function startOn(on: Cond, times = 1): Job["start"] {
  return {
    on,
    times,
    overlap: { mode: "coalesce", max: 1 },
    holdMax: Number.POSITIVE_INFINITY,
    quiet: 0,
    splay: 0,
  };
}

/** A job with what most of them have; the fingerprint comes last, in `finish`. */
export function jobOf({ id, ...rest }: Pick<Job, "id" | "start" | "stop"> & Partial<Job>): Job {
  return {
    id,
    print: "",
    main: false,
    exec: true,
    timeout: Number.POSITIVE_INFINITY,
    captures: false,
    restart: ONE_RUN,
    probes: [],
    maintenancePauses: false,
    onReload: "ifChanged",
    ...rest,
  };
}

/** Health and registration by a TTL: one failure is absorbed until `ttl` has passed since the last good probe. */
export function probeOf(
  id: string,
  how: "exec" | "always",
  seconds: { every: number; ttl: number },
  rest: { timeout?: Ms; service?: Job["probes"][number]["service"] },
): Job["probes"][number] {
  const every = seconds.every * 1000;
  return {
    id,
    how,
    every,
    first: every,
    timeout: rest.timeout || Number.POSITIVE_INFINITY,
    startPeriod: 0,
    startEvery: EARLY_PROBE_MS,
    rise: 1,
    fall: 1,
    fallAfter: seconds.ttl * 1000,
    whileIdle: false,
    onUnhealthy: "nothing",
    ...(rest.service && { service: rest.service }),
  };
}

/** The finished configuration, with a fingerprint for every job and watch of all that belongs to it, and for the whole. */
export function finish(dialect: Loaded["dialect"], plan: Omit<Plan, "print">, deeds: Deeds): Loaded {
  const jobs = plan.jobs.map((job) => {
    const ids = [job.id, ...job.probes.map((probe) => probe.id)];
    const services = job.probes.map((probe) => probe.service && (deeds.services[probe.service.id] as Service));
    return withPrint(job, () => [job, ids.map((id) => deeds.commands[id]), services, deeds.telemetry?.sensors[job.id]]);
  });
  const watches = plan.watches.map((watch) => withPrint(watch, () => [watch, deeds.watches[watch.id]]));
  const { commands, services, watches: dependencies, ...rest } = deeds;
  const whole = withPrint({ ...plan, jobs, watches }, () => {
    return [[...jobs, ...watches].map(({ print }) => print), { ...plan, jobs: [], watches: [] }, rest];
  });
  return { dialect, plan: whole, deeds, warnings: () => Promise.resolve([]) };
}

/** Fingerprints are made when they are first asked for: a start needs none, a reload and the event log do. */
function withPrint<T extends object>(value: T, parts: () => unknown): T & { readonly print: string } {
  let print: string | undefined;
  return Object.defineProperty({ ...value, print: "" }, "print", {
    enumerable: true,
    get: () => (print ??= fingerprint(parts())),
  });
}
