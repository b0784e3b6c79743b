import type { Sensor, Telemetry } from "../../../src/plan.ts";

/** A log that is kept. */
export class Lines {
  readonly all: string[] = [];
  readonly #watchers = new Set<() => void>();
  readonly log = (level: string, message: string): void => {
    this.all.push(`${level} ${message}`);
    for (const look of this.#watchers) look();
  };

  /** Settles as soon as a line matches. */
  until(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.all.some((line) => pattern.test(line))) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Takes out and gives what came since the last call. */
  take(): string[] {
    return this.all.splice(0);
  }
}

export function settings(sensors: Record<string, Sensor> = {}, more: Partial<Telemetry> = {}): Telemetry {
  return { address: "127.0.0.1", port: 0, path: "/metrics", sensors, metrics: {}, ...more };
}

export function sensor(name: string, type: Sensor["type"], help: string = `${name} of a test`): Sensor {
  return { name, type, help };
}

/** The lines of one metric, its comments included. */
export function linesOf(text: string, name: string): string[] {
  const own = new RegExp(`^(?:# (?:HELP|TYPE) )?${name}(?:_bucket|_sum|_count)?[ {]`);
  return text.split("\n").filter((line) => own.test(line));
}
