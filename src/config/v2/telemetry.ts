/** `telemetry`: the metrics' listener, its own service in the catalog, and the sensors. */
import type { Sensor, Telemetry } from "../../plan.ts";
import { chooseAddress } from "../addresses.ts";
import type { Context } from "../context.ts";
import type { Span } from "../durations.ts";
import { checkMetric } from "../metrics.ts";
import { Ids } from "../names.ts";
import type { Config } from "./index.ts";
import type { Advertised } from "./services.ts";

export interface SensorJob {
  id: string;
  every: number;
  argv: readonly string[];
  timeout: Span | undefined;
  label: string;
}

export interface ReadTelemetry {
  service: Advertised;
  sensors: readonly SensorJob[];
  settings: Telemetry;
}

const DEFAULT_INTERFACES = ["eth0:inet"];

export function readTelemetry(config: Config, context: Context): ReadTelemetry | undefined {
  const given = config.telemetry;
  if (given === undefined) return undefined;
  const { at, port, tags = [], poll, ttl, url, serviceName: name } = given;
  const specs = given.interfaces?.length ? given.interfaces : DEFAULT_INTERFACES;
  const address = chooseAddress(specs, [...at, "interfaces"], context);
  const id = `${name}-${context.hostname}`;
  const jobs: SensorJob[] = [];
  const sensors: Record<string, Sensor> = {};
  const ids = new Ids();
  const known = new Map<string, Sensor & { id: string }>();
  for (const sensor of given.sensors) {
    const metric = checkMetric(sensor, known, context);
    if (!metric) continue;
    const job = ids.take(`sensor.${metric.name}`);
    known.set(metric.name, { ...metric, id: job });
    sensors[job] = metric;
    jobs.push({
      id: job,
      every: sensor.poll * 1000,
      argv: sensor.check,
      timeout: sensor.timeout,
      label: `${sensor.name}.sensor`,
    });
  }
  return {
    service: {
      service: { id, name, address, port, tags, ttl: ttl * 1000 },
      probe: `health.${name}`,
      seconds: { every: poll, ttl },
    },
    sensors: jobs,
    settings: { address, port, path: url, sensors, metrics: {} },
  };
}
