import { Counter, Gauge } from "prom-client";
import type { Log } from "./metrics.ts";

/** Most label combinations of one metric of ours, so that no name from outside can fill the memory. */
const SERIES_MAX = 1000;

/** Our own metrics, under ContainerPilot 3.8.0's names; like there, absent until first told. */
const OWN = {
  containerpilot_events: { type: "counter", labels: ["code", "source"], help: "Events by what happened, and to whom." },
  containerpilot_control_http_requests: {
    type: "counter",
    labels: ["code", "path"],
    help: "Requests to the control socket by status and path.",
  },
  containerpilot_job_ends_total: {
    type: "counter",
    labels: ["job", "reason"],
    help: "Ends of processes by whose it was and why: exit, stop, timeout, signal, oom, exec.",
  },
  containerpilot_rebirths_total: {
    type: "counter",
    labels: ["cause"],
    help: "How often the runtime died and was replaced in the same process, by what it died of.",
  },
  containerpilot_watch_instances: {
    type: "gauge",
    labels: ["service"],
    help: "Healthy instances of a watched service.",
  },
} as const;

interface Own {
  metric: Counter | Gauge;
  labels: readonly string[];
  add(labels: Readonly<Record<string, string>>, value: number): void;
  /** Label combinations so far. */
  series: Set<string>;
  full: boolean;
}

/** What the program tells about itself. Kept for as long as it runs, whatever the configuration says meanwhile. */
export class OwnMetrics {
  readonly #log: Log;
  readonly #byName: ReadonlyMap<string, Own>;

  constructor(log: Log) {
    this.#log = log;
    this.#byName = new Map(
      Object.entries(OWN).map(([name, { type, labels, help }]) => [name, create(name, help, type, labels)]),
    );
  }

  get all(): readonly (Counter | Gauge)[] {
    return [...this.#byName.values()].map(({ metric }) => metric);
  }

  /** A counter adds, a gauge is set. Names or labels that are not in the table are our own mistake: told, and left out. */
  note(name: string, value: number, labels: Readonly<Record<string, string>>): void {
    const own = this.#byName.get(name);
    if (own === undefined || own.labels.some((label) => labels[label] === undefined)) {
      this.#log("error", `telemetry: no metric ${name} with the labels ${Object.keys(labels).join(", ")}`);
      return;
    }
    const wanted = Object.fromEntries(own.labels.map((label) => [label, labels[label] ?? ""]));
    if (!this.#hasRoom(name, own, JSON.stringify(wanted))) return;
    try {
      own.add(wanted, value);
    } catch (error) {
      this.#log("error", `telemetry: ${name}: ${error instanceof Error ? error.message : error}`);
    }
  }

  #hasRoom(name: string, own: Own, series: string): boolean {
    if (own.series.has(series)) return true;
    if (own.series.size < SERIES_MAX) {
      own.series.add(series);
      return true;
    }
    if (!own.full) this.#log("warn", `telemetry: ${name} has ${SERIES_MAX} series: further ones are left out`);
    own.full = true;
    return false;
  }
}

function create(name: string, help: string, type: "counter" | "gauge", labels: readonly string[]): Own {
  const config = { name, help, labelNames: [...labels], registers: [] };
  const rest = { labels, series: new Set<string>(), full: false };
  switch (type) {
    case "counter": {
      const metric = new Counter(config);
      return { ...rest, metric, add: (by, value) => metric.inc(by, value) };
    }
    case "gauge": {
      const metric = new Gauge(config);
      return { ...rest, metric, add: (by, value) => metric.set(by, value) };
    }
    default:
      throw new Error(`unknown type ${type satisfies never}`);
  }
}
