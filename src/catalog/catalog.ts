/**
 * The catalog: one interface, one back end a file. What every back end must keep is `test/e2e/catalog/contract`.
 */
import type { Dependency, Ms, Service, Status } from "../plan.ts";

/** One instance of a service, as a watcher sees it. Sorted by id wherever a list is given. */
export interface Instance {
  id: string;
  name: string;
  address: string;
  port: number;
  tags: readonly string[];
}

/** What a back end could not do, in words for a log line; never holds a token. */
export class CatalogError extends Error {
  /** lost: the catalog does not know the service (register again). down: not reached or no answer in time. refused: it said no. */
  readonly kind: "lost" | "down" | "refused";
  constructor(kind: "lost" | "down" | "refused", message: string) {
    super(message);
    this.name = "CatalogError";
    this.kind = kind;
  }
}

export interface Watcher {
  close(): void;
}

/** A catalog's back end. Every call settles within `callMs`, whatever the other side does. Rejects with CatalogError. */
export interface Backend {
  readonly callMs: Ms;
  /** Registers or replaces the service with its TTL check, in the given status. */
  register(service: Service, status: Status, output: string): Promise<void>;
  /** Renews the TTL with this status. `lost` when the catalog does not know it (any more). */
  update(service: Service, status: Status, output: string): Promise<void>;
  /** Takes it out. Not there already is a success. */
  deregister(service: Service): Promise<void>;
  /** The passing instances now. */
  list(dependency: Dependency): Promise<readonly Instance[]>;
  /** Gives the passing instances once at the start and at each change of any of them; errors are told and survived. */
  watch(
    dependency: Dependency,
    seen: (instances: readonly Instance[]) => void,
    failed: (error: CatalogError) => void,
  ): Watcher;
  close(): void;
}

/** What the session tells the runtime; becomes the core's inputs of the same names. */
export type CatalogEvent =
  | { t: "announced"; service: string; attempt: number; ok: boolean }
  | { t: "withdrawn"; service: string; ok: boolean }
  | { t: "forgotten"; service: string }
  | { t: "watched"; watch: string; revision: number; count: number; differs: boolean; instances: readonly Instance[] };

/** A line for the log: `code` by which the runtime words it. */
export interface CatalogLog {
  level: "debug" | "info" | "warn" | "error";
  message: string;
}

/**
 * Wishes on top of a back end: reconciles, never remembers; a new wish replaces one under way; one query a service however
 * many watch it; one line when an outage begins and one when it ends. Nothing here throws or blocks.
 */
export interface CatalogSession {
  announce(id: string, service: Service, attempt: number, status: Status, output: string): void;
  withdraw(id: string, service: Service): void;
  watch(id: string, dependency: Dependency): void;
  unwatch(id: string): void;
  /** Gives up whatever is under way. */
  close(): void;
}
