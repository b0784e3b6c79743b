import { Counter, Gauge, Histogram, type Metric, Registry } from "prom-client";
import type { JobId, Sensor, Telemetry } from "../plan.ts";
import { parseNumber } from "./number.ts";
import { orphanMetric, type ReadOrphans } from "./orphans.ts";
import { OwnMetrics } from "./own.ts";
import { processMetrics } from "./process.ts";
import { WindowSummary } from "./summary.ts";

export type Log = (level: "debug" | "info" | "warn" | "error", message: string) => void;

/** Upper bounds of a histogram's buckets, beside +Inf. The original's. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Longest piece of a sensor's output in a log line. */
const QUOTED_MAX = 100;

/** A user's metric with its value so far. */
interface Exposed {
  sensor: Sensor;
  metric: Metric;
  /** counter adds, gauge sets, histogram and summary observe. `value` is one that `refusal` lets pass. */
  add(value: number): void;
}

/**
 * Every metric of the process, in one registry of our own that is exchanged whole when the configuration changes.
 *
 * A metric whose name, type and help stay is the same one and keeps its value, whatever else of the configuration changed.
 * (ContainerPilot 2.7.8 begins again at 0 at every reload: a gauge then shows 0 until its next poll, which nobody has
 * measured.) One of another type or help begins anew, one that the configuration no longer names is gone at once.
 */
export class Metrics {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #process = processMetrics();
  readonly #own: OwnMetrics;
  readonly #orphans: Metric;
  #byName = new Map<string, Exposed>();
  #bySensor: ReadonlyMap<JobId, Sensor> = new Map();
  #byKey: ReadonlyMap<string, Sensor> = new Map();
  #registry = new Registry();

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(log: Log, now: () => number, readOrphans: ReadOrphans = () => []) {
    this.#log = log;
    this.#now = now;
    this.#own = new OwnMetrics(log);
    this.#orphans = orphanMetric(readOrphans);
    this.use(undefined);
  }

  /** What is exposed just now. */
  get registry(): Registry {
    return this.#registry;
  }

  use(settings: Pick<Telemetry, "sensors" | "metrics"> | undefined): void {
    const { sensors = {}, metrics = {} } = settings ?? {};
    const registry = new Registry();
    for (const metric of [...this.#process, ...this.#own.all, this.#orphans]) registry.registerMetric(metric);
    const byName = new Map<string, Exposed>();
    for (const sensor of [...Object.values(sensors), ...Object.values(metrics)]) {
      if (byName.has(sensor.name)) continue;
      const exposed = this.#expose(sensor, registry);
      if (exposed !== undefined) byName.set(sensor.name, exposed);
    }
    this.#byName = byName;
    this.#bySensor = new Map(Object.entries(sensors));
    this.#byKey = new Map(Object.entries(metrics));
    this.#registry = registry;
  }

  /** What a sensor's job has printed; without effect for a job that is no sensor (any more). */
  record(job: JobId, text: string): void {
    const sensor = this.#bySensor.get(job);
    if (sensor !== undefined) this.#add(sensor, text);
  }

  /** A value that was posted under a metric's key. False: no metric has it. */
  post(key: string, text: string): boolean {
    const sensor = this.#byKey.get(key);
    if (sensor === undefined) return false;
    this.#add(sensor, text);
    return true;
  }

  /** See TelemetryPort.note. */
  note(metric: string, value: number, labels: Readonly<Record<string, string>>): void {
    this.#own.note(metric, value, labels);
  }

  #add(sensor: Sensor, text: string): void {
    const { name, type } = sensor;
    const value = parseNumber(text);
    if (value === undefined) {
      this.#log("error", `telemetry: ${name}: ${quoted(text)} is not a number`);
      return;
    }
    const why = refusal(type, value);
    if (why === undefined) this.#byName.get(name)?.add(value);
    else this.#log("error", `telemetry: ${name}: ${quoted(text)} is left out: ${why}`);
  }

  /** The metric in its old state when it is the same one; undefined, and told, for one that cannot be. */
  #expose(sensor: Sensor, registry: Registry): Exposed | undefined {
    try {
      const old = this.#byName.get(sensor.name);
      const same = old?.sensor.type === sensor.type && old.sensor.help === sensor.help;
      const exposed = same ? old : create(sensor, this.#now);
      registry.registerMetric(exposed.metric);
      return exposed;
    } catch (error) {
      // Names and helps are checked with the configuration; what slips through costs its own metric, nothing else.
      this.#log("error", `telemetry: ${sensor.name} is left out: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }
}

function create(sensor: Sensor, now: () => number): Exposed {
  const { name, help, type } = sensor;
  switch (type) {
    case "counter": {
      const metric = new Counter({ name, help, registers: [] });
      return { sensor, metric, add: (value) => metric.inc(value) };
    }
    case "gauge": {
      const metric = new Gauge({ name, help, registers: [] });
      return { sensor, metric, add: (value) => metric.set(value) };
    }
    case "histogram": {
      const metric = new Histogram({ name, help, buckets: BUCKETS, registers: [] });
      return { sensor, metric, add: (value) => metric.observe(value) };
    }
    case "summary": {
      const metric = new WindowSummary(name, help, now);
      return { sensor, metric, add: (value) => metric.add(value) };
    }
    default:
      throw new Error(`unknown type ${type satisfies never}`);
  }
}

/**
 * Why a metric of this type cannot take the value; undefined when it can. ContainerPilot 2.7.8 died of a negative value for
 * a counter, and after one infinity or NaN a sum shows nothing else for as long as the process lives.
 */
function refusal(type: Sensor["type"], value: number): string | undefined {
  if (type === "gauge") return undefined;
  if (!Number.isFinite(value)) return `a ${type} adds up, so it takes finite numbers only`;
  if (type === "counter" && value < 0) return "a counter only goes up";
  return undefined;
}

function quoted(text: string): string {
  const word = text.trim();
  return JSON.stringify(word.length > QUOTED_MAX ? `${word.slice(0, QUOTED_MAX)}…` : word);
}
