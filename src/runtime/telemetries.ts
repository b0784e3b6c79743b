import type { Pilot } from "../native/pilot.ts";
import type { JobId, Telemetry } from "../plan.ts";
import type { TelemetryPort } from "../telemetry/telemetry.ts";
import { Lazy } from "./lazy.ts";

/** Telemetry as the loop sees it: nothing of it is loaded until a configuration asks for it. */
export class Telemetries {
  readonly #log: Pilot["log"];
  #port: Lazy<TelemetryPort> | undefined;

  constructor(log: Pilot["log"]) {
    this.#log = log;
  }

  /** Opens, moves, changes or (undefined) closes it. */
  use(settings: Telemetry | undefined): void {
    if (settings === undefined && this.#port === undefined) return;
    this.#port ??= this.#open();
    this.#port.do((port) => port.use(settings));
  }

  /** The value that a sensor's job printed. */
  record(sensor: JobId, text: string): void {
    this.#port?.do((port) => port.record(sensor, text));
  }

  note(metric: string, value: number, labels: Readonly<Record<string, string>>): void {
    this.#port?.do((port) => port.note(metric, value, labels));
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
