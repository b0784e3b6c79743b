/** Who watches what: one query a (name, tag, datacenter) however many watch it, and what each watch was told. */
import type { Dependency } from "../plan.ts";
import type { Backend, CatalogEvent, Instance, Watcher } from "./catalog.ts";
import { sameLists, sameMembers } from "./instances.ts";
import type { Outage } from "./outage.ts";

interface Query {
  /** Its name in log lines. */
  subject: string;
  watcher: Watcher;
  /** The last good list; undefined until the first. */
  list: readonly Instance[] | undefined;
  watches: Map<string, Told>;
}

interface Told {
  revision: number;
  list: readonly Instance[] | undefined;
}

const unopened: Watcher = { close() {} };

function subjectOf({ name, tag, dc }: Dependency): string {
  return `queries for ${name}${tag ? ` with tag ${tag}` : ""}${dc ? ` in ${dc}` : ""}`;
}

export class Watches {
  readonly #backend: Backend;
  readonly #outage: Outage;
  readonly #tell: (event: CatalogEvent) => void;
  readonly #queries = new Map<string, Query>();
  /** Key of its query, by watch. */
  readonly #keys = new Map<string, string>();

  constructor(backend: Backend, outage: Outage, tell: (event: CatalogEvent) => void) {
    this.#backend = backend;
    this.#outage = outage;
    this.#tell = tell;
  }

  add(id: string, dependency: Dependency): void {
    this.remove(id);
    const key = JSON.stringify([dependency.name, dependency.tag ?? "", dependency.dc ?? ""]);
    const query = this.#queries.get(key) ?? this.#open(key, dependency);
    this.#keys.set(id, key);
    const told: Told = { revision: 0, list: undefined };
    query.watches.set(id, told);
    // Not from inside the call: whoever watches must be able to note it first.
    queueMicrotask(() => {
      if (query.list !== undefined && query.watches.get(id) === told) this.#give(id, told, query.list);
    });
  }

  remove(id: string): void {
    const key = this.#keys.get(id);
    const query = key === undefined ? undefined : this.#queries.get(key);
    if (key === undefined || query === undefined) return;
    this.#keys.delete(id);
    query.watches.delete(id);
    if (query.watches.size > 0) return;
    this.#queries.delete(key);
    query.watcher.close();
    this.#outage.forget(query.subject);
  }

  close(): void {
    for (const query of this.#queries.values()) query.watcher.close();
    this.#queries.clear();
    this.#keys.clear();
  }

  #open(key: string, dependency: Dependency): Query {
    const query: Query = { subject: subjectOf(dependency), watcher: unopened, list: undefined, watches: new Map() };
    this.#queries.set(key, query);
    query.watcher = this.#backend.watch(
      dependency,
      (instances) => {
        query.list = instances;
        this.#outage.worked(query.subject);
        for (const [id, told] of [...query.watches]) {
          if (query.watches.get(id) === told) this.#give(id, told, instances);
        }
      },
      (error) => this.#outage.failed(query.subject, `Failed to query ${dependency.name}`, error),
    );
    return query;
  }

  #give(id: string, told: Told, instances: readonly Instance[]): void {
    const before = told.list;
    if (before !== undefined && sameLists(before, instances)) return;
    told.list = instances;
    told.revision += 1;
    const differs = !sameMembers(before ?? [], instances);
    this.#tell({ t: "watched", watch: id, revision: told.revision, count: instances.length, differs, instances });
  }
}
