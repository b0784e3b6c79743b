import type { CatalogEvent, CatalogLog, CatalogSession } from "../catalog/catalog.ts";
import type { CatalogSettings, Dependency, Service, ServiceId, Status, WatchId } from "../plan.ts";
import type { Unnumbered } from "./processes.ts";

type Deed = (session: CatalogSession) => void;

/**
 * The catalog as the loop sees it: wishes go in, inputs come out. The client's code is loaded when it is first needed,
 * after the application was started; wishes until then wait in order.
 *
 * A reload may name another catalog: what was announced in the old one is withdrawn there.
 */
export class Catalogs {
  readonly #push: (input: Unnumbered) => void;
  readonly #log: (line: CatalogLog) => void;
  /** Where each service was announced last, and as what. */
  readonly #announced = new Map<ServiceId, { lazy: LazySession; service: Service }>();
  readonly #watched = new Map<WatchId, LazySession>();
  #current: LazySession | undefined;

  constructor(push: (input: Unnumbered) => void, log: (line: CatalogLog) => void) {
    this.#push = push;
    this.#log = log;
  }

  /** From now on wishes go to this catalog. Nothing is loaded or connected yet. */
  use(settings: CatalogSettings): void {
    if (this.#current !== undefined && JSON.stringify(this.#current.settings) === JSON.stringify(settings)) return;
    this.#current = new LazySession(settings, (event) => this.#take(event), this.#log);
  }

  /** Loads the client ahead of the first wish. */
  prepare(): void {
    this.#current?.load();
  }

  announce(id: ServiceId, service: Service, attempt: number, status: Status, output: string): void {
    const lazy = this.#current;
    if (lazy === undefined) return;
    this.#announced.set(id, { lazy, service });
    lazy.do((session) => session.announce(id, service, attempt, status, output));
  }

  /** `service`: as the configuration knows it, for one that was never announced by this process. */
  withdraw(id: ServiceId, service: Service | undefined): void {
    const last = this.#announced.get(id);
    const known = last?.service ?? service;
    const lazy = last?.lazy ?? this.#current;
    this.#announced.delete(id);
    if (known === undefined || lazy === undefined) this.#push({ t: "withdrawn", service: id, ok: true });
    else lazy.do((session) => session.withdraw(id, known));
  }

  watch(id: WatchId, dependency: Dependency): void {
    const lazy = this.#current;
    if (lazy === undefined) return;
    this.#watched.set(id, lazy);
    lazy.do((session) => session.watch(id, dependency));
  }

  unwatch(id: WatchId): void {
    this.#watched.get(id)?.do((session) => session.unwatch(id));
    this.#watched.delete(id);
  }

  #take(event: CatalogEvent): void {
    if (event.t === "watched") {
      const { watch, revision, count, differs } = event;
      this.#push({ t: "watched", watch, revision, count, differs });
    } else this.#push(event);
  }
}

/** A session whose code is loaded at the first wish. */
class LazySession {
  readonly settings: CatalogSettings;
  readonly #tell: (event: CatalogEvent) => void;
  readonly #log: (line: CatalogLog) => void;
  #session: CatalogSession | undefined;
  #waiting: Deed[] = [];
  #loading = false;

  constructor(settings: CatalogSettings, tell: (event: CatalogEvent) => void, log: (line: CatalogLog) => void) {
    this.settings = settings;
    this.#tell = tell;
    this.#log = log;
  }

  do(deed: Deed): void {
    if (this.#session !== undefined) {
      deed(this.#session);
      return;
    }
    this.#waiting.push(deed);
    this.load();
  }

  load(): void {
    if (this.#loading) return;
    this.#loading = true;
    this.#open().catch((error: unknown) => {
      this.#log({ level: "error", message: `the catalog's client cannot be loaded: ${String(error)}` });
    });
  }

  async #open(): Promise<void> {
    const { openCatalog } = await import("../catalog/open.ts");
    this.#session = await openCatalog(this.settings, this.#tell, this.#log);
    for (const deed of this.#waiting.splice(0)) deed(this.#session);
  }
}
