/** `jobs`: processes with their starts, restarts, stops, health and registrations. */
import type { Command, Job, Restart, Service } from "../../plan.ts";
import { chooseAddress } from "../addresses.ts";
import { lintApplication } from "../commands.ts";
import type { Context } from "../context.ts";
import type { Read } from "../decode.ts";
import { formatDuration, parseDuration } from "../durations.ts";
import { isGoodName, pidVariable } from "../names.ts";
import { BACKOFF, jobOf, probeOf } from "../parts.ts";
import { type StopRules, signalNumber, stopOf } from "../stop.ts";
import type { JOB } from "./keys.ts";
import { readStart, type Sources } from "./when.ts";

export type JobKeys = Read<typeof JOB>;

/** What the whole configuration says about every job. */
export interface Rules {
  stop: StopRules;
  /** A `stop` block is there: deregistration comes before the hooks. */
  withdrawFirst: boolean;
  onReload: Job["onReload"];
  sources: Sources;
  signals: ReadonlySet<string>;
}

export interface ReadJob {
  job: Job;
  name: string;
  commands: ReadonlyMap<string, Command>;
  service?: Service;
  /** Healthy by definition, in maintenance too. */
  always?: true;
}

export const DEFAULT_INTERFACES = ["eth0:inet", "inet"];

export function readJob(given: JobKeys, id: string, rules: Rules, context: Context): ReadJob {
  const { problems } = context;
  const { name, at, exec, port, health } = given;
  checkJobName(given, context);
  if (port !== 0 && !health && name !== "containerpilot") problems.error("health-required", [...at, "port"]);
  if (health && health.ttl < 2 * health.interval && health.ttl > 0) {
    const about = { every: health.interval };
    problems.warn("short-ttl", [...health.at, "ttl"], { found: health.ttl, about });
  }
  if (exec && (given.main || port !== 0)) problems.later(() => lintApplication(exec, [...at, "exec"], problems));
  const service = port === 0 ? undefined : serviceOf(given, context);
  const start = readStart(given.when, {
    name,
    at,
    sources: rules.sources,
    signals: rules.signals,
    problems,
  });
  const timeout = given.timeout?.ms ?? (start.every && "period" in start.every ? start.every.period : undefined);
  const commands = new Map<string, Command>();
  if (exec) commands.set(id, commandOf(given, exec, timeout));
  const job = jobOf({
    id,
    main: given.main ?? false,
    exec: exec !== undefined,
    timeout: timeout ?? Number.POSITIVE_INFINITY,
    start,
    restart: restartOf(given, context),
    stop: stopFor(given, service !== undefined, rules, context),
    probes: probes(given, id.replace(name, `check.${name}`), service, commands),
    onReload: rules.onReload,
  });
  return { job, name, commands, ...(service && { service }) };
}

/** A name that a catalog's DNS cannot carry is refused where it is advertised. */
function checkJobName({ name, at, port }: JobKeys, { problems }: Context): void {
  if (port !== 0 && name !== "" && !isGoodName(name)) problems.error("bad-name", [...at, "name"], { found: name });
  if (port < 0 || port > 65_535) problems.warn("odd-port", [...at, "port"], { found: port });
}

function serviceOf(given: JobKeys, context: Context): Service {
  const { name, at, port, tags = [], health, consul } = given;
  const specs = given.interfaces?.length ? given.interfaces : DEFAULT_INTERFACES;
  const lifetime = consul?.deregisterCriticalServiceAfter ?? "";
  if (consul && parseDuration(lifetime, false) === undefined) {
    const path = [...consul.at, "deregisterCriticalServiceAfter"];
    if (lifetime === "") context.problems.error("missing", path, { about: { lifetime: true } });
    else context.problems.error("bad-duration", path, { found: lifetime, about: { kind: { t: "span", unit: true } } });
  }
  return {
    id: `${name}-${context.hostname}`,
    name,
    address: chooseAddress(specs, [...at, "interfaces"], context),
    port,
    tags,
    ttl: (health?.ttl ?? 15) * 1000,
    checkEmbedded: true,
    ...(consul?.enableTagOverride && { enableTagOverride: true }),
    ...(lifetime && { deregisterCriticalServiceAfter: lifetime }),
  };
}

function commandOf(given: JobKeys, argv: readonly string[], timeout: number | undefined): Command {
  return {
    argv,
    label: given.name,
    stdin: given.main ? "inherit" : "null",
    output: given.logging?.raw ? "inherit" : "log",
    fields: { job: given.name },
    pidVariables: [pidVariable(given.name)],
    pidUntilEnd: true,
    ...(timeout !== undefined && { timeoutText: formatDuration(timeout) }),
  };
}

function restartOf(given: JobKeys, { problems }: Context): Restart {
  const { restarts, when, backoff } = given;
  if (restarts === Number.POSITIVE_INFINITY && when?.each) {
    problems.error("unlimited-each", [...given.at, "restarts"], { also: [[...when.at, "each"]] });
  }
  const own = backoff || undefined;
  const min = own?.min?.ms ?? BACKOFF.min;
  return {
    limit: restarts ?? (when?.interval ? Number.POSITIVE_INFINITY : 0),
    budget: "life",
    on: "any",
    backoff:
      backoff === false
        ? { first: 0, min: 0, factor: 1, max: 0, resetAfter: 0 }
        : {
            first: BACKOFF.first,
            min,
            factor: own?.factor ?? BACKOFF.factor,
            max: Math.max(min, own?.max?.ms ?? BACKOFF.max),
            resetAfter: own?.resetAfter?.ms ?? BACKOFF.resetAfter,
          },
    spent: given.essential ? "stopContainer" : "complete",
  };
}

function stopFor(given: JobKeys, advertised: boolean, rules: Rules, { problems }: Context): Job["stop"] {
  const { stopSignal, stopTimeout } = given;
  const signal = stopSignal === undefined ? undefined : signalNumber(stopSignal);
  if (stopSignal !== undefined && signal === undefined) {
    problems.error("bad-signal", [...given.at, "stopSignal"], { found: stopSignal });
  }
  const hookMax = stopTimeout && stopTimeout.ms > 0 ? stopTimeout.ms : Number.POSITIVE_INFINITY;
  return stopOf(rules.stop, {
    order: rules.withdrawFirst ? ["withdraw", "drain", "hooks", "signal"] : ["hooks", "withdraw", "drain", "signal"],
    ...(signal !== undefined && { signal }),
    target: given.stopTarget ?? "group",
    leftovers: "term",
    hookMax,
    hooksEvenIfGone: true,
    ...(rules.stop.drain && advertised ? { drain: rules.stop.drain } : {}),
  });
}

/**
 * The health check. Its time limit is its interval unless it has one of its own, `"0"` means none. Without `exec` an
 * advertised job is healthy by definition, and on another one the block has no effect.
 */
function probes(
  given: JobKeys,
  id: string,
  service: Service | undefined,
  commands: Map<string, Command>,
): Job["probes"] {
  const { health, name } = given;
  if (!health && !service) return [];
  if (health && !health.exec && !service) return [];
  const seconds = { every: health?.interval ?? 5, ttl: health?.ttl ?? 15 };
  const limit = health?.timeout?.ms ?? seconds.every * 1000;
  const timeout = Math.max(0, limit);
  if (health?.exec) {
    commands.set(id, {
      argv: health.exec,
      label: `check.${name}`,
      stdin: "null",
      output: health.logging?.raw ? "inherit" : "log",
      fields: { check: `check.${name}` },
      pidVariables: [pidVariable(`check.${name}`), pidVariable(`check_${name}`)],
      pidUntilEnd: true,
      ...(timeout > 0 && { timeoutText: formatDuration(timeout) }),
    });
  }
  const initial = given.initial_status || undefined;
  return [
    probeOf(id, health?.exec ? "exec" : "always", seconds, {
      timeout,
      ...(service && { service: { id: service.id, ttl: service.ttl, ...(initial && { initial }) } }),
    }),
  ];
}
