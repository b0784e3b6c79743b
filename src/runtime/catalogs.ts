import type { CatalogEvent, CatalogLog, CatalogSession } from "../catalog/catalog.ts";
import type { CatalogSettings, Dependency, Service, ServiceId, Status, WatchId } from "../plan.ts";
import { Lazy } from "./lazy.ts";
import type { Unnumbered } from "./processes.ts";

/** A session in one catalog, told apart by what the configuration says of it. */
interface Place {
  print: string;
  session: Lazy<CatalogSession>;
}

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
  readonly #announced = new Map<ServiceId, { session: Lazy<CatalogSession>; service: Service }>();
  readonly #watched = new Map<WatchId, Lazy<CatalogSession>>();
  #current: Place | undefined;

  constructor(push: (input: Unnumbered) => void, log: (line: CatalogLog) => void) {
    this.#push = push;
    this.#log = log;
  }

  /** From now on wishes go to this catalog. Nothing is loaded or connected yet. */
  use(settings: CatalogSettings): void {
    const print = JSON.stringify(settings);
    if (this.#current?.print === print) return;
    const session = new Lazy(
      async () => {
        const { openCatalog } = await import("../catalog/open.ts");
        return openCatalog(settings, (event) => this.#take(event), this.#log);
      },
      (error) => this.#log({ level: "error", message: `the catalog's client cannot be loaded: ${String(error)}` }),
    );
    this.#current = { print, session };
  }

  /** Loads the client ahead of the first wish. */
  prepare(): void {
    void this.#current?.session.load();
  }

  announce(id: ServiceId, service: Service, attempt: number, status: Status, output: string): void {
    const session = this.#current?.session;
    if (session === undefined) return;
    this.#announced.set(id, { session, service });
    session.do((open) => open.announce(id, service, attempt, status, output));
  }

  /** `service`: as the configuration knows it, for one that was never announced by this process. */
  withdraw(id: ServiceId, service: Service | undefined): void {
    const last = this.#announced.get(id);
    const known = last?.service ?? service;
    const session = last?.session ?? this.#current?.session;
    this.#announced.delete(id);
    if (known === undefined || session === undefined) this.#push({ t: "withdrawn", service: id, ok: true });
    else session.do((open) => open.withdraw(id, known));
  }

  watch(id: WatchId, dependency: Dependency): void {
    const session = this.#current?.session;
    if (session === undefined) return;
    this.#watched.set(id, session);
    session.do((open) => open.watch(id, dependency));
  }

  unwatch(id: WatchId): void {
    this.#watched.get(id)?.do((open) => open.unwatch(id));
    this.#watched.delete(id);
  }

  #take(event: CatalogEvent): void {
    if (event.t === "watched") {
      const { watch, revision, count, differs } = event;
      this.#push({ t: "watched", watch, revision, count, differs });
    } else this.#push(event);
  }
}
