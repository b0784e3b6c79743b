/** A ContainerPilot 3 configuration, from its keys to the Plan and its deeds. */
import type { Dependency, Job, Loaded, Plan, SignalDeed, StatusPage, Watch } from "../../plan.ts";
import { readCatalog } from "../catalog.ts";
import type { Context } from "../context.ts";
import { type Read, readMap } from "../decode.ts";
import { SAME_NAME_MAX } from "../limits.ts";
import { addressVariable, Ids, isGoodName } from "../names.ts";
import { finish, recordOf, STARTUP } from "../parts.ts";
import { readSignals, signalNumber, stopRules } from "../stop.ts";
import { type ReadJob, type Rules, readJob } from "./jobs.ts";
import { V3 } from "./keys.ts";
import { readTelemetry } from "./telemetry.ts";

export type Config = Read<typeof V3>;

const SIGNALS: Readonly<Record<number, SignalDeed>> = { 1: "fact", 2: "stop", 10: "reopen", 12: "fact", 15: "stop" };

/** Decodes and checks everything, then builds; undefined when a problem refuses the configuration. */
export function loadV3(raw: Readonly<Record<string, unknown>>, context: Context): Loaded | undefined {
  const { problems } = context;
  const config = readMap(V3, raw, [], problems, false);
  if (context.words.length > 0) problems.warn("ignored-words", [], { found: context.words });
  if (config.control.socket === "") problems.error("empty", ["control", "socket"]);

  const jobIds = new Ids();
  const watchIds = new Ids();
  const ids = config.jobs.map(({ name }) => jobIds.take(name));
  const watches = config.watches.map((watch) => ({ watch, id: watchIds.take(`watch.${watch.name}`) }));
  const rules: Rules = {
    stop: stopRules(config.stopTimeout, config.stop),
    withdrawFirst: config.stop !== undefined,
    onReload: config.reload === "changed" ? "ifChanged" : "restart",
    sources: sourcesOf(config, ids, watches),
    signals: signalSources(config),
  };
  const jobs = config.jobs.map((job, index) => readJob(job, ids[index] as string, rules, context));
  checkServices(config, context);
  for (const { watch } of watches) checkWatchName(watch.name, [...watch.at, "name"], context);
  for (const [name, same] of rules.sources) {
    if (same.length > SAME_NAME_MAX) problems.error("too-many", [], { found: name, about: { max: SAME_NAME_MAX } });
  }
  const telemetry = readTelemetry(config, jobIds, rules, context);
  if (telemetry) jobs.push(telemetry.job);
  const services = jobs.flatMap(({ service }) => service ?? []);
  const matters = services.length > 0 || watches.length > 0;
  const catalog = readCatalog(raw, config, { etcdVersion: 3, matters }, context);
  const main = mainJob(config, ids, context);
  const signals = readSignals(config.signals, SIGNALS, main, problems);
  const ends = endsOf(config, main, context);
  if (problems.refused) return undefined;

  const { level, format, output } = config.logging;
  return finish(
    "v3",
    {
      jobs: jobs.map(({ job }) => job),
      watches: watches.map(watchOf),
      signals,
      ends,
      stop: { ...rules.stop.plan, within: config.stop?.within?.ms ?? overallBound(jobs, rules.stop) },
      settle: 0,
    },
    {
      commands: recordOf(jobs.flatMap(({ commands }) => [...commands])),
      services: Object.fromEntries(services.map((service) => [service.id, service])),
      watches: Object.fromEntries(watches.map(({ watch, id }) => [id, dependencyOf(watch)])),
      catalog,
      logging: { level: level === "warning" ? "warn" : level, format, output: outputOf(output), dialect: "v3" },
      environment: Object.fromEntries(services.map(({ name, address }) => [addressVariable(name), address])),
      ...(telemetry && { telemetry: { ...telemetry.settings, status: statusPage(jobs, config, context) } }),
      control: config.control.socket,
    },
  );
}

function statusPage(jobs: readonly ReadJob[], config: Config, { version }: Context): StatusPage {
  return {
    version,
    jobs: jobs.map(({ job, name, service, always }) => {
      return { id: job.id, name, ...(service && { service: service.id }), ...(always && { always }) };
    }),
    watches: config.watches.map(({ name }) => name),
  };
}

type WatchKeys = Config["watches"][number];

/** Everything a `source` can name. */
function sourcesOf(
  config: Config,
  ids: readonly string[],
  watches: readonly { watch: WatchKeys; id: string }[],
): ReadonlyMap<string, readonly string[]> {
  const sources = new Map<string, string[]>();
  const add = (name: string, id: string): void => {
    const same = sources.get(name);
    if (same) same.push(id);
    else sources.set(name, [id]);
  };
  config.jobs.forEach(({ name, health }, index) => {
    const id = ids[index] as string;
    add(name, id);
    if (health?.exec) add(`check.${name}`, id.replace(name, `check.${name}`));
  });
  for (const { watch, id } of watches) add(`watch.${watch.name}`, id);
  if (config.telemetry && !sources.has("containerpilot")) add("containerpilot", "containerpilot");
  return sources;
}

/** SIGHUP and SIGUSR2, and what the `signals` block makes an event. */
function signalSources(config: Config): ReadonlySet<string> {
  const names = new Set(["SIGHUP", "SIGUSR2"]);
  for (const [name, deed] of Object.entries(config.signals ?? {})) {
    const full = name.toUpperCase().startsWith("SIG") ? name.toUpperCase() : `SIG${name.toUpperCase()}`;
    if (deed === "event" && signalNumber(full) !== undefined) names.add(full);
  }
  return names;
}

/** Two jobs that would be one entry in the catalog. */
function checkServices(config: Config, { problems }: Context): void {
  const seen = new Map<string, readonly (string | number)[]>();
  for (const { name, port, at } of config.jobs) {
    if (port === 0) continue;
    const key = `${name}:${port}`;
    const first = seen.get(key);
    if (first) problems.warn("same-service", at, { found: key, also: [first] });
    seen.set(key, at);
  }
}

function checkWatchName(name: string, path: readonly (string | number)[], { problems }: Context): void {
  if (name !== "" && !isGoodName(name)) problems.error("bad-name", path, { found: name });
}

function watchOf({ id }: { id: string }): Watch {
  return { id, print: "", from: STARTUP, maintenancePauses: false, whenUnavailable: "keep" };
}

function dependencyOf({ name, tag, dc, interval }: WatchKeys): Dependency {
  return { name, ...(tag && { tag }), ...(dc && { dc }), poll: interval * 1000 };
}

/** What jobs that run on a stop, and have no limit of their own, may take of it all in all. */
const UNLIMITED_HOOKS_MS = 600_000;

/**
 * The bound of a stop without `stop.within`: all that the file itself allows, one after another, and ten minutes for what it
 * leaves open. ContainerPilot 3.8.0 waited for ever; nobody who kills its container later than that is cut short.
 */
function overallBound(jobs: readonly ReadJob[], { grace, drain, withdrawMax, plan }: Rules["stop"]): number {
  let own = 0;
  for (const { job } of jobs) {
    const finite = [job.stop.hookMax, isHook(job) ? job.timeout : 0].filter(Number.isFinite);
    for (const ms of finite) own += ms;
  }
  return own + UNLIMITED_HOOKS_MS + withdrawMax + (drain?.max ?? 0) + grace + plan.strays;
}

function isHook({ start }: Job): boolean {
  const { on } = start;
  const leaves = "of" in on ? on.of : [on];
  return leaves.some((leaf) => "fact" in leaf && (leaf.fact === "stopping" || leaf.fact === "stopped"));
}

function mainJob(config: Config, ids: readonly string[], { problems }: Context): string | undefined {
  const mains = config.jobs.flatMap(({ main, at }, index) => (main ? [{ at, id: ids[index] }] : []));
  if (mains.length > 1) {
    const [first, ...rest] = mains.map(({ at }) => [...at, "main"]);
    problems.error("two-mains", first as string[], { also: rest });
  }
  return mains[0]?.id;
}

function endsOf(config: Config, main: string | undefined, { problems }: Context): Plan["ends"] {
  const { exit } = config;
  if (exit?.of === "main" && main === undefined) problems.error("no-main", [...exit.at, "of"]);
  const map: Record<number, number> = {};
  for (const [from, to] of Object.entries(exit?.map ?? {})) {
    const codes = [from, to].map((code) => (/^\d{1,3}$/.test(String(code)) ? Number(code) : 256));
    if (codes.some((code) => code > 255)) {
      problems.error("bad-code", ["exit", "map", from], { found: `${from}: ${String(to)}` });
    } else map[codes[0] as number] = codes[1] as number;
  }
  return {
    when: main === undefined ? "allDone" : "mainEnds",
    code: exit?.of ?? (main === undefined ? "zero" : "main"),
    overrides: [],
    neverStarted: main === undefined ? "zero" : "signal",
    map,
  };
}

/** The words for the descriptors are taken in any case, a path as it is. */
function outputOf(output: string): string {
  const lower = output.toLowerCase();
  return lower === "stdout" || lower === "stderr" ? lower : output || "stdout";
}
