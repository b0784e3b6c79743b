/** What the control socket asks of the program behind it. Types only. */

/** A request that was not granted: why, a line each, for whoever asked. */
export interface Refusal {
  lines: readonly string[];
}

/** What can be asked for by name; the answer comes when it is decided, not when it is done. */
export type Order =
  | { do: "reload" }
  | { do: "maintenance"; on: boolean; forMs?: number }
  | { do: "restart"; job: string }
  | { do: "signal"; job: string; signo: number };

export interface ControlHost {
  /** Variables for what is started from now on, and for templates. */
  setEnvironment(variables: ReadonlyMap<string, string>): void;
  /** Values for the user's metrics, by key. */
  postMetrics(values: ReadonlyMap<string, string>): void;
  /** Settles when the order is accepted (undefined) or refused. Never rejects. */
  order(order: Order): Promise<Refusal | undefined>;
  /** What runs just now: a document of JSON. */
  overview(): object;
  /** A request to one of our paths was answered. */
  answered(path: string, code: number): void;
  /** User id of a connection's other end; a negative errno when it cannot be told. */
  peer(fd: number): number;
  log(level: "debug" | "info" | "warn" | "error", message: string): void;
}
