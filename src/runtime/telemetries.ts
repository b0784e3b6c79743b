import type { Pilot } from "../native/pilot.ts";
import type { Dependency, FactName, JobId, Telemetry } from "../plan.ts";
import type { TelemetryPort } from "../telemetry/telemetry.ts";
import { Lazy } from "./lazy.ts";
import type { StatusDocument } from "./status.ts";

const REBIRTHS = "containerpilot_rebirths_total";

/** Telemetry as the loop sees it: nothing of it is loaded until a configuration asks for it. */
export class Telemetries {
  readonly #pilot: Pilot;
  readonly #status: () => StatusDocument;
  #port: Lazy<TelemetryPort> | undefined;
  #rebirths: Readonly<Record<string, number>> = {};

  constructor(pilot: Pilot, status: () => StatusDocument) {
    this.#pilot = pilot;
    this.#status = status;
  }

  /** How often this process has replaced its runtime, by cause: told as soon as there is telemetry. */
  reborn(byCause: Readonly<Record<string, number>>): void {
    this.#rebirths = byCause;
  }

  /** Opens, moves, changes or (undefined) closes it. */
  use(settings: Telemetry | undefined): void {
    if (settings === undefined && this.#port === undefined) return;
    this.#port ??= this.#open();
    this.#port.do((port) => port.use(settings));
    for (const [cause, count] of Object.entries(this.#rebirths)) this.note(REBIRTHS, count, { cause });
    this.#rebirths = {};
  }

  /** The value that a sensor's job printed. */
  record(sensor: JobId, text: string): void {
    this.#port?.do((port) => port.record(sensor, text));
  }

  /** A value that was posted under a metric's key; `unknown` is called when no metric has it. */
  post(key: string, text: string, unknown: () => void): void {
    if (this.#port === undefined) unknown();
    this.#port?.do((port) => {
      if (!port.post(key, text)) unknown();
    });
  }

  note(metric: string, value: number, labels: Readonly<Record<string, string>>): void {
    this.#port?.do((port) => port.note(metric, value, labels));
  }

  told(fact: FactName, source: string): void {
    this.#port?.do((port) => port.told(fact, source));
  }

  seen(watched: Dependency | undefined, instances: number): void {
    if (watched !== undefined) this.#port?.do((port) => port.seen(watched.name, instances));
  }

  #open(): Lazy<TelemetryPort> {
    const { log, orphans } = this.#pilot;
    return new Lazy(
      async () => {
        const { openTelemetry } = await import("../telemetry/telemetry.ts");
        return openTelemetry(undefined, (level, message) => log(level, message, []), {}, this.#status, orphans);
      },
      (error) => log("error", `telemetry cannot be loaded: ${String(error)}`, []),
    );
  }
}
