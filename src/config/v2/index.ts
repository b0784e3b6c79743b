/** A ContainerPilot 2 configuration, from its keys to the Plan and its deeds. */
import type { Cond, Deeds, Job, Loaded, Plan, SignalDeed, Watch } from "../../plan.ts";
import { readCatalog } from "../catalog.ts";
import { lintApplication } from "../commands.ts";
import type { Context } from "../context.ts";
import { type Read, readMap } from "../decode.ts";
import { addressVariable } from "../names.ts";
import { finish, STARTUP } from "../parts.ts";
import { readSignals, stopRules } from "../stop.ts";
import { appJob, hookJobs } from "./app.ts";
import { backendJobs } from "./backends.ts";
import { V2 } from "./keys.ts";
import { periodicJobs } from "./periodic.ts";
import { readServices } from "./services.ts";
import { readTelemetry } from "./telemetry.ts";

export type Config = Read<typeof V2>;

/** What each part of a configuration adds to the whole. */
export interface Parts {
  jobs: Job[];
  watches: Watch[];
  commands: Record<string, Deeds["commands"][string]>;
  dependencies: Record<string, Deeds["watches"][string]>;
}

const SIGNALS: Readonly<Record<number, SignalDeed>> = { 1: "reload", 2: "stop", 10: "maintenance", 15: "stop" };

/** Decodes and checks everything, then builds; undefined when a problem refuses the configuration. */
export async function loadV2(raw: Readonly<Record<string, unknown>>, context: Context): Promise<Loaded | undefined> {
  const { problems } = context;
  const config = readMap(V2, raw, [], problems, false);
  translateOnStart(config, context);
  const services = readServices(config, context);
  const telemetry = readTelemetry(config, context);
  const all = [...services, ...(telemetry ? [telemetry.service] : [])];
  const matters = all.length > 0 || config.backends.length > 0;
  const catalog = readCatalog(raw, config, { etcdVersion: 2, matters }, context);

  const rules = stopRules(config.stopTimeout, config.stop);
  const preStart = config.preStart ?? config.onStart;
  const begin: Cond = preStart ? { fact: "exitSuccess", source: "preStart" } : STARTUP;
  const parts: Parts = { jobs: [], watches: [], commands: {}, dependencies: {} };
  hookJobs(parts, config, rules, preStart);
  const environment = Object.fromEntries(all.map(({ service }) => [addressVariable(service.name), service.address]));
  backendJobs(parts, config, rules, begin, context);
  periodicJobs(parts, config, rules, begin, telemetry?.sensors ?? []);
  const main = context.words.length > 0;
  const signals = readSignals(config.signals, SIGNALS, main ? "app" : undefined, problems);
  if (problems.refused) return undefined;

  problems.later(() => lintApplication(context.words, [], problems));
  await appJob(parts, all, rules, begin, environment, context);
  const plan: Omit<Plan, "print"> = {
    jobs: parts.jobs,
    watches: parts.watches,
    signals,
    ends: {
      when: main ? "mainEnds" : "onlyAsked",
      code: main ? "main" : "zero",
      overrides: ["preStart", "postStop"].filter((id) => parts.commands[id]),
      neverStarted: "signal",
      map: {},
    },
    stop: rules.plan,
    settle: 0,
  };
  const { level, format, output } = config.logging;
  return finish("v2", plan, {
    commands: parts.commands,
    services: Object.fromEntries(all.map(({ service }) => [service.id, service])),
    watches: parts.dependencies,
    catalog,
    logging: { level: level === "warning" ? "warn" : level, format, output, dialect: "v2" },
    environment,
    ...(telemetry && { telemetry: telemetry.settings }),
    control: "/var/run/containerpilot.socket",
  });
}

/** `onStart` is what 1.x called `preStart`, which wins where both are given. */
function translateOnStart(config: Config, { problems }: Context): void {
  if (config.onStart === undefined) return;
  if (config.preStart) problems.warn("both-keys", ["onStart"], { atKey: true, about: { wins: "preStart" } });
  else problems.warn("old-key", ["onStart"], { atKey: true, about: { now: "preStart" } });
}
