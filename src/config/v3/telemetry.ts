/** `telemetry`: the metrics' listener, the implicit job that advertises it, and the user's metrics. */
import type { Sensor, Service, Telemetry } from "../../plan.ts";
import { chooseAddress } from "../addresses.ts";
import type { Context } from "../context.ts";
import { checkMetric } from "../metrics.ts";
import type { Ids } from "../names.ts";
import { jobOf, probeOf, recordOf, STARTUP, startOn } from "../parts.ts";
import { stopOf } from "../stop.ts";
import type { Config } from "./index.ts";
import { DEFAULT_INTERFACES, type ReadJob, type Rules } from "./jobs.ts";

const NAME = "containerpilot";
const SECONDS = { every: 5, ttl: 15 };

/** The job `containerpilot`: always healthy, and advertised with the program's version as its last tag. */
export function readTelemetry(
  config: Config,
  ids: Ids,
  rules: Rules,
  context: Context,
): { job: ReadJob; settings: Telemetry } | undefined {
  const given = config.telemetry;
  if (given === undefined) return undefined;
  const { at, port, tags = [] } = given;
  const specs = given.interfaces?.length ? given.interfaces : DEFAULT_INTERFACES;
  const address = chooseAddress(specs, [...at, "interfaces"], context);
  const id = ids.take(NAME);
  const service: Service | undefined =
    port === 0
      ? undefined
      : {
          id: `${NAME}-${context.hostname}`,
          name: NAME,
          address,
          port,
          tags: context.version ? [...tags, context.version] : tags,
          ttl: SECONDS.ttl * 1000,
          checkEmbedded: true,
        };
  const known = service && { service: { id: service.id, ttl: service.ttl } };
  const job = jobOf({
    id,
    exec: false,
    start: startOn(STARTUP),
    stop: stopOf(rules.stop, { order: ["withdraw"], target: "group", leftovers: "keep" }),
    probes: [probeOf(`check.${id}`, "always", SECONDS, { ...known })],
    onReload: rules.onReload,
  });
  return {
    job: { job, name: NAME, commands: new Map(), always: true, ...(service && { service }) },
    settings: { address, port, path: "/metrics", sensors: {}, metrics: metricsOf(given.metrics, context) },
  };
}

/** A value may be posted under the metric's full name, or as the original wants it: with both underscores, always. */
function metricsOf(given: NonNullable<Config["telemetry"]>["metrics"], context: Context): Record<string, Sensor> {
  const known = new Map<string, Sensor>();
  const metrics: [string, Sensor][] = [];
  for (const metric of given) {
    const sensor = checkMetric(metric, known, context);
    if (!sensor) continue;
    known.set(sensor.name, sensor);
    metrics.push([sensor.name, sensor], [`${metric.namespace}_${metric.subsystem}_${metric.name}`, sensor]);
  }
  return recordOf(metrics);
}
