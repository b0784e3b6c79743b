/** Metrics for Prometheus. A chunk of its own, loaded when a configuration asks for it and the application runs. */
import type { FactName, JobId, Telemetry } from "../plan.ts";
import { EVENT_CODES } from "./events.ts";
import { type Endpoint, type Limits, Listener } from "./listener.ts";
import { type Log, Metrics } from "./metrics.ts";
import type { ReadOrphans } from "./orphans.ts";
import { render } from "./render.ts";
import { serve } from "./serve.ts";

export interface TelemetryPort {
  /**
   * Makes these settings the ones in force, for an accepted configuration only: opens the listener, moves it when address
   * or port changed, closes it (undefined); exchanges the sensors in one step. Which values stay: see Metrics.
   */
  use(settings: Telemetry | undefined): void;
  /**
   * The captured standard output of a sensor's job that ended well. Nothing but a number is an error, told at ERROR; the
   * metric then keeps its value.
   */
  record(sensor: JobId, text: string): void;
  /** The same for a value that was posted under a key of `Telemetry.metrics`. False: there is no such key. */
  post(key: string, text: string): boolean;
  /** One of our own metrics: a counter adds `value`, a gauge takes it on. Labels as its table in own.ts has them. */
  note(metric: string, value: number, labels: Readonly<Record<string, string>>): void;
  /** Counts a fact among the events, where the settings have a status page. */
  told(fact: FactName, source: string): void;
  /** How many instances of a watched service there are, likewise. */
  seen(service: string, instances: number): void;
  /** Where it listens just now; undefined while it does not (yet, or because it cannot). */
  readonly bound: Endpoint | undefined;
  /** Frees the port and ends all connections; settles at once. */
  close(): Promise<void>;
}

const LIMITS: Limits = {
  connectionsMax: 64,
  requestMs: 10_000,
  responseMs: 10_000,
  // Longer than the usual scrape intervals, so that a scraper keeps its connection.
  idleMs: 150_000,
  headBytesMax: 8192,
  retryMs: { first: 500, max: 30_000 },
};

/**
 * Starts telemetry; `status` gives the document of /status. Never throws and never rejects: what fails is logged, and the application goes on.
 *
 * Exposed are the user's metrics, `process_*` and, once told, our own; not ContainerPilot's `go_*` and `http_*`, which
 * describe the inside of another program.
 */
export function openTelemetry(
  settings: Telemetry | undefined,
  log: Log,
  limits: Partial<Limits> = {},
  status: () => object = () => ({}),
  readOrphans: ReadOrphans = () => [],
): TelemetryPort {
  const metrics = new Metrics(log, () => process.uptime() * 1000, readOrphans);
  let current: Telemetry | undefined;
  const view = () =>
    current && {
      path: current.path,
      render: () => render(metrics.registry),
      status: current.status && (() => JSON.stringify(status())),
    };
  const listener = new Listener(serve(view, log), log, { ...LIMITS, ...limits });
  const use = (next: Telemetry | undefined): void => {
    metrics.use(next);
    current = next;
    listener.use(next);
  };
  use(settings);
  return {
    use,
    record: (sensor, text) => metrics.record(sensor, text),
    post: (key, text) => metrics.post(key, text),
    note: (metric, value, labels) => metrics.note(metric, value, labels),
    told(fact, source) {
      if (current?.status) metrics.note("containerpilot_events", 1, { code: EVENT_CODES[fact], source });
    },
    seen(service, instances) {
      if (current?.status) metrics.note("containerpilot_watch_instances", instances, { service });
    },
    async close() {
      listener.use(undefined);
    },
    get bound() {
      return listener.bound;
    },
  };
}
