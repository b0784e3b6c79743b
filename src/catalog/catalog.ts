/**
 * The catalog: one interface, one back end a file. What every back end must keep is `test/e2e/catalog/contract.ts`.
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

/** lost: the catalog does not know the service (register again). down: not reached, no answer in time, or not able to answer. refused: it said no. */
export type Failure = "lost" | "down" | "refused";

/**
 * What a back end could not do, in words for a log line; never holds a token.
 * Tell it by `kind`, not by `instanceof`: each bundle chunk has a class of its own.
 */
export class CatalogError extends Error {
  readonly kind: Failure;
  constructor(kind: Failure, message: string) {
    super(message);
    this.name = "CatalogError";
    this.kind = kind;
  }
}

/** The error itself when it comes from a back end (of whatever chunk); anything else becomes `down` with its message. */
export function asCatalogError(error: unknown): CatalogError {
  if (error instanceof Error && error.name === "CatalogError" && "kind" in error) return error as CatalogError;
  return new CatalogError("down", error instanceof Error ? error.message : String(error));
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
  /** Takes it out. Not there already is a success; so is an entry under this id that is somebody else's, which stays. */
  deregister(service: Service): Promise<void>;
  /** The passing instances now. */
  list(dependency: Dependency): Promise<readonly Instance[]>;
  /**
   * Gives the passing instances once at the start, at each change of any of them, and once after each outage that was
   * told by `failed`, changed or not. Errors are told (each failed attempt) and survived.
   */
  watch(
    dependency: Dependency,
    seen: (instances: readonly Instance[]) => void,
    failed: (error: CatalogError) => void,
  ): Watcher;
  /** Ends watches, calls under way (they reject) and connections. */
  close(): void;
}

/** What the session tells the runtime; becomes the core's inputs of the same names. */
export type CatalogEvent =
  /**
   * How a call for this attempt ended. Not told for a wish that was replaced before its call began, or withdrawn by
   * the time it ended; told again for each retry in the background.
   */
  | { t: "announced"; service: string; attempt: number; ok: boolean }
  /** One for each call of `withdraw`. Not ok: the catalog did not answer, or a newer wish to be there came first. */
  | { t: "withdrawn"; service: string; ok: boolean }
  | { t: "forgotten"; service: string }
  /**
   * `differs`: another (id, address, port) than what this watch was told before, or the first list and not empty.
   * Also told, with `differs: false`, for an empty first list and when only tags moved.
   */
  | { t: "watched"; watch: string; revision: number; count: number; differs: boolean; instances: readonly Instance[] };

/** A line for the log. */
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
  /** A watch that is already on is replaced. What a watch was told is forgotten by `unwatch`. */
  watch(id: string, dependency: Dependency): void;
  unwatch(id: string): void;
  /** Gives up whatever is under way; nothing is told afterwards. */
  close(): void;
}
