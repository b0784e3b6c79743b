import type { CatalogEvent, CatalogLog, CatalogSession, Instance } from "../catalog/catalog.ts";
import { sameMembers } from "../catalog/instances.ts";
import type { CatalogSettings, Dependency, Service, ServiceId, Status, WatchId } from "../plan.ts";
import { Lazy } from "./lazy.ts";
import type { Unnumbered } from "./processes.ts";

/** A session in one catalog, told apart by what the configuration says of it. */
interface Place {
  print: string;
  session: Lazy<CatalogSession>;
  /** Withdrawals that are not answered yet; a place that was left is closed when there are none. */
  withdrawing: number;
}

interface Announced {
  place: Place;
  service: Service;
  attempt: number;
  status: Status;
  output: string;
}

/** What watches were told last, for a runtime that follows this one in the same process: JSON of `Seen` by watch. */
export type SeenText = string;

/** What a watch was told last. It outlives the session's own memory, which ends with each `unwatch`. */
export interface Seen {
  dependency: string;
  revision: number;
  instances: readonly Instance[];
}

/**
 * The catalog as the loop sees it: wishes go in, inputs come out. The client's code is loaded when it is first needed,
 * after the application was started; wishes until then wait in order.
 *
 * A reload may name another catalog: what is announced or watched moves there, and is withdrawn in the old one.
 */
export class Catalogs {
  readonly #push: (input: Unnumbered) => void;
  readonly #log: (line: CatalogLog) => void;
  readonly #announced = new Map<ServiceId, Announced>();
  /** The place whose word counts for a service: where it was announced, or is being withdrawn at the core's wish. */
  readonly #places = new Map<ServiceId, Place>();
  readonly #watched = new Map<WatchId, { place: Place; dependency: Dependency }>();
  #seen = new Map<WatchId, Seen>();
  #seenText: SeenText = "{}";
  #current: Place | undefined;

  constructor(push: (input: Unnumbered) => void, log: (line: CatalogLog) => void) {
    this.#push = push;
    this.#log = log;
  }

  /** From now on wishes go to this catalog. Nothing is loaded or connected before the first one. */
  use(settings: CatalogSettings): void {
    const print = JSON.stringify(settings);
    const left = this.#current;
    if (left?.print === print) return;
    const session = new Lazy(
      async () => {
        const { openCatalog } = await import("../catalog/open.ts");
        return openCatalog(settings, (event) => this.#take(place, event), this.#log);
      },
      (error) => this.#log({ level: "error", message: `the catalog's client cannot be loaded: ${String(error)}` }),
    );
    const place: Place = { print, session, withdrawing: 0 };
    this.#current = place;
    if (left !== undefined) this.#move(left);
  }

  /** Kept as text, since it is asked for far more often than it changes. */
  get seen(): SeenText {
    return this.#seenText;
  }

  /** What an earlier runtime's watches were told is known: only what differs from it is news. */
  recall(seen: Readonly<Record<WatchId, Seen>>): void {
    this.#seen = new Map(Object.entries(seen));
    this.#seenText = JSON.stringify(seen);
  }

  /** Loads the client ahead of the first wish. */
  prepare(): void {
    void this.#current?.session.load();
  }

  announce(id: ServiceId, service: Service, attempt: number, status: Status, output: string): void {
    const place = this.#current;
    if (place === undefined) return;
    this.#places.set(id, place);
    this.#announced.set(id, { place, service, attempt, status, output });
    place.session.do((open) => open.announce(id, service, attempt, status, output));
  }

  /** `service`: as the configuration knows it, for one that was never announced by this process. */
  withdraw(id: ServiceId, service: Service | undefined): void {
    const last = this.#announced.get(id);
    const known = last?.service ?? service;
    const place = last?.place ?? this.#current;
    this.#announced.delete(id);
    if (known === undefined || place === undefined) {
      this.#push({ t: "withdrawn", service: id, ok: true });
      return;
    }
    this.#places.set(id, place);
    this.#withdrawFrom(place, id, known);
  }

  /** `anew`: the first list is compared with none. */
  watch(id: WatchId, dependency: Dependency, anew = false): void {
    const place = this.#current;
    if (place === undefined) return;
    const seen = anew ? this.#seen.get(id) : undefined;
    if (seen !== undefined) this.#seen.set(id, { ...seen, instances: [] });
    this.#watched.set(id, { place, dependency });
    place.session.do((open) => open.watch(id, dependency));
  }

  unwatch(id: WatchId): void {
    this.#watched.get(id)?.place.session.do((open) => open.unwatch(id));
    this.#watched.delete(id);
  }

  #withdrawFrom(place: Place, id: ServiceId, service: Service): void {
    place.withdrawing += 1;
    place.session.do((open) => open.withdraw(id, service));
  }

  #move(left: Place): void {
    for (const [id, { place, service, attempt, status, output }] of this.#announced) {
      if (place !== left) continue;
      this.#withdrawFrom(left, id, service);
      this.announce(id, service, attempt, status, output);
    }
    for (const [id, { place, dependency }] of this.#watched) if (place === left) this.watch(id, dependency);
    this.#closeIfLeft(left);
  }

  /** Closing also ends its watches. One that was never loaded has nothing to close. */
  #closeIfLeft(place: Place): void {
    if (place === this.#current || place.withdrawing > 0 || !place.session.asked) return;
    place.session.do((open) => open.close());
  }

  #take(place: Place, event: CatalogEvent): void {
    if (event.t === "watched") {
      if (this.#watched.get(event.watch)?.place === place) this.#told(event);
      return;
    }
    if (event.t === "withdrawn") {
      place.withdrawing -= 1;
      this.#closeIfLeft(place);
    }
    if (this.#places.get(event.service) === place) this.#push(event);
  }

  /** Counts revisions through all sessions, and compares with what this watch was told last in any of them. */
  #told({ watch, instances }: Extract<CatalogEvent, { t: "watched" }>): void {
    const { name, tag, dc } = this.#watched.get(watch)?.dependency ?? {};
    const dependency = JSON.stringify([name, tag, dc]);
    const last = this.#seen.get(watch);
    const before = last?.dependency === dependency ? last.instances : [];
    const revision = (last?.revision ?? 0) + 1;
    this.#seen.set(watch, { dependency, revision, instances });
    this.#seenText = JSON.stringify(Object.fromEntries(this.#seen));
    const differs = !sameMembers(before, instances);
    this.#push({ t: "watched", watch, revision, count: instances.length, differs });
  }
}
