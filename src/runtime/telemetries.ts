import type { Pilot } from "../native/pilot.ts";
import type { JobId, Telemetry } from "../plan.ts";
import type { TelemetryPort } from "../telemetry/telemetry.ts";
import { Lazy } from "./lazy.ts";

/** Most unknown keys that are told at WARN; what comes after them is told at DEBUG. */
const TOLD_MAX = 100;

/** Telemetry as the loop sees it: nothing of it is loaded until a configuration asks for it. */
export class Telemetries {
  readonly #log: Pilot["log"];
  #port: Lazy<TelemetryPort> | undefined;
  /** Keys without a metric that were told under this configuration. */
  readonly #told = new Set<string>();

  constructor(log: Pilot["log"]) {
    this.#log = log;
  }

  /** Opens, moves, changes or (undefined) closes it. */
  use(settings: Telemetry | undefined): void {
    this.#told.clear();
    if (settings === undefined && this.#port === undefined) return;
    this.#port ??= this.#open();
    this.#port.do((port) => port.use(settings));
  }

  /** The value that a sensor's job printed. */
  record(sensor: JobId, text: string): void {
    this.#port?.do((port) => port.record(sensor, text));
  }

  /** A value that was posted under a metric's key. */
  post(key: string, text: string): void {
    if (this.#port === undefined) this.#unknown(key, "no telemetry is configured");
    else
      this.#port.do((port) => {
        if (!port.post(key, text)) this.#unknown(key, "the configuration names no such metric");
      });
  }

  note(metric: string, value: number, labels: Readonly<Record<string, string>>): void {
    this.#port?.do((port) => port.note(metric, value, labels));
  }

  /** A job may post every second: each key is told once, as long as there are not too many. */
  #unknown(key: string, why: string): void {
    const told = this.#told.has(key) || this.#told.size >= TOLD_MAX;
    if (!told) this.#told.add(key);
    this.#log(told ? "debug" : "warn", `telemetry: a value for ${JSON.stringify(key)} is dropped: ${why}`, []);
  }

  #open(): Lazy<TelemetryPort> {
    const log = this.#log;
    return new Lazy(
      async () => {
        const { openTelemetry } = await import("../telemetry/telemetry.ts");
        return openTelemetry(undefined, (level, message) => log(level, message, []));
      },
      (error) => log("error", `telemetry cannot be loaded: ${String(error)}`, []),
    );
  }
}
