/**
 * The catalog in etcd's v2 keys API, with the keys and values of ContainerPilot 2.7.8: a directory with a TTL an instance,
 * and in it the instance as JSON. It knows no status: what is not passing is not there.
 */
import type { CatalogSettings, Dependency, Ms, Service, Status } from "../plan.ts";
import { asCatalogError, type Backend, CatalogError, type CatalogLog, type Instance, type Watcher } from "./catalog.ts";
import { type Clock, realClock } from "./clock.ts";
import { type Call, EtcdHttp, EtcdRefusal, etcdCode, type Found } from "./etcd-http.ts";
import { EtcdListener } from "./etcd-listener.ts";
import { excerpt } from "./http-errors.ts";
import { sortInstances } from "./instances.ts";
import { Reach } from "./reach.ts";
import { type Page, WatchLoop } from "./watch-loop.ts";

const callMs: Ms = 2_000;
/** Most keys that are remembered as no instances. */
const strangersMax = 1_000;

/** Throws CatalogError for a version that is not there. Nothing is connected yet. */
export function openEtcd(
  settings: Extract<CatalogSettings, { kind: "etcd" }>,
  log: (line: CatalogLog) => void,
  clock: Clock = realClock,
): Backend {
  if (settings.version !== 2) throw new CatalogError("refused", "version 3 of etcd's API is not supported yet");
  return new EtcdBackend(settings.prefix, new EtcdHttp(settings.endpoints), log, clock);
}

class EtcdBackend implements Backend {
  readonly callMs = callMs;
  readonly #prefix: string;
  readonly #http: EtcdHttp;
  readonly #log: (line: CatalogLog) => void;
  readonly #clock: Clock;
  readonly #reach: Reach;
  readonly #loops = new Set<WatchLoop>();
  readonly #listeners = new Set<EtcdListener>();
  readonly #strangers = new Set<string>();

  constructor(prefix: string, http: EtcdHttp, log: (line: CatalogLog) => void, clock: Clock) {
    this.#prefix = keyOf(...prefix.split("/").filter((part) => part !== ""));
    this.#http = http;
    this.#log = log;
    this.#clock = clock;
    this.#reach = new Reach(clock, () => {
      for (const loop of [...this.#loops]) loop.askAgain();
    });
  }

  /** The original fails where its directory of an earlier life is still there (error 102); here it is taken over. */
  async register(service: Service, status: Status): Promise<void> {
    const end = this.#clock.now() + callMs;
    const left = (): Ms => Math.max(1, end - this.#clock.now());
    if (status !== "passing") {
      await this.#remove(service, left());
      return;
    }
    const directory = this.#keyOf(service);
    const form = { ttl: seconds(service.ttl) };
    try {
      await this.#call({ method: "PUT", key: directory, query: { dir: "true" }, form, timeoutMs: left() });
    } catch (error) {
      if (!(error instanceof EtcdRefusal && error.code === etcdCode.notAFile)) throw error;
      await this.#renew(service, left());
    }
    const { id, name, address, port } = service;
    // The original never writes tags; who reads these values has only ever seen `null`.
    const value = JSON.stringify({ id, name, address, port, tags: null });
    await this.#call({ method: "PUT", key: `${directory}/service`, query: {}, form: { value }, timeoutMs: left() });
  }

  async update(service: Service, status: Status): Promise<void> {
    const timeoutMs = Math.min(callMs, service.ttl / 2);
    await (status === "passing" ? this.#renew(service, timeoutMs) : this.#remove(service, timeoutMs));
  }

  deregister(service: Service): Promise<void> {
    return this.#remove(service, callMs);
  }

  async list({ name }: Dependency): Promise<readonly Instance[]> {
    return (await this.#told(this.#read(name, this.#listing(name)))).instances;
  }

  watch(
    dependency: Dependency,
    seen: (instances: readonly Instance[]) => void,
    failed: (error: CatalogError) => void,
  ): Watcher {
    const { name } = dependency;
    const listener = new EtcdListener(this.#http, this.#clock, `${this.#prefix}${keyOf(name)}`);
    const query = async (_: Dependency, index: number, signal: AbortSignal): Promise<Page> => {
      if (index === 0 || (await listener.news(signal))) await listener.begin(signal);
      return this.#read(name, { ...this.#listing(name), signal });
    };
    const loop = new WatchLoop({ clock: this.#clock, reach: this.#reach, query }, dependency, seen, failed);
    this.#loops.add(loop);
    this.#listeners.add(listener);
    return {
      close: () => {
        this.#loops.delete(loop);
        this.#listeners.delete(listener);
        loop.close();
        listener.close();
      },
    };
  }

  close(): void {
    this.#reach.close();
    for (const one of [...this.#loops, ...this.#listeners]) one.close();
    this.#loops.clear();
    this.#listeners.clear();
    this.#http.close();
  }

  #keyOf({ name, id }: Service): string {
    return `${this.#prefix}${keyOf(name, id)}`;
  }

  #listing(name: string): Call {
    const query = { quorum: "false", recursive: "true", sorted: "false" };
    return { method: "GET", key: `${this.#prefix}${keyOf(name)}`, query, timeoutMs: callMs };
  }

  async #renew(service: Service, timeoutMs: Ms): Promise<void> {
    const query = { dir: "true", prevExist: "true" };
    const form = { ttl: seconds(service.ttl) };
    await this.#call({ method: "PUT", key: this.#keyOf(service), query, form, timeoutMs });
  }

  async #remove(service: Service, timeoutMs: Ms): Promise<void> {
    const query = { dir: "true", recursive: "true" };
    try {
      await this.#call({ method: "DELETE", key: this.#keyOf(service), query, timeoutMs });
    } catch (error) {
      if (asCatalogError(error).kind !== "lost") throw error;
    }
  }

  async #read(name: string, call: Call): Promise<Page> {
    try {
      const { value, index } = await this.#http.call(call);
      return { instances: this.#instancesIn(value, name), index: index + 1 };
    } catch (error) {
      // Nobody was ever registered: the key comes with the first one.
      if (!(error instanceof EtcdRefusal && error.code === etcdCode.keyNotFound)) throw error;
      return { instances: [], index: error.index + 1 };
    }
  }

  #call(call: Call): Promise<Found> {
    return this.#told(this.#http.call(call));
  }

  /** What one call learns about etcd being there is of use to all. */
  async #told<T>(call: Promise<T>): Promise<T> {
    try {
      const done = await call;
      this.#reach.worked();
      return done;
    } catch (error) {
      if (asCatalogError(error).kind === "down") this.#reach.failed();
      throw error;
    }
  }

  /** Sub-directories are instances; what stands in them and is none is skipped with one warning. */
  #instancesIn(answer: unknown, name: string): readonly Instance[] {
    const { node } = (answer ?? {}) as { node?: Node };
    if (typeof node !== "object" || node === null) {
      throw new CatalogError("refused", `the answer for ${name} is not a node: ${excerpt(JSON.stringify(answer))}`);
    }
    const instances: Instance[] = [];
    for (const { key, value } of childrenOf(node).flatMap(childrenOf)) {
      const instance = instanceOf(value);
      if (instance !== undefined) instances.push(instance);
      else this.#skip(String(key));
    }
    return sortInstances(instances);
  }

  #skip(key: string): void {
    if (this.#strangers.has(key) || this.#strangers.size >= strangersMax) return;
    this.#strangers.add(key);
    this.#log({ level: "warn", message: `etcd's key ${key} is not an instance and is skipped` });
  }
}

/** The parts of a node that we read. */
interface Node {
  key?: unknown;
  value?: unknown;
  nodes?: unknown;
}

function childrenOf({ nodes }: Node): Node[] {
  return Array.isArray(nodes) ? nodes.filter((node): node is Node => typeof node === "object" && node !== null) : [];
}

function instanceOf(text: unknown): Instance | undefined {
  if (typeof text !== "string") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { id, name, address, port, tags } = (value ?? {}) as Record<string, unknown>;
  if (typeof id !== "string" || typeof name !== "string" || typeof address !== "string" || typeof port !== "number") {
    return undefined;
  }
  return { id, name, address, port, tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [] };
}

/** Each part after a slash, encoded. */
function keyOf(...parts: string[]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join("");
}

/** etcd counts in whole seconds. */
function seconds(ms: Ms): string {
  return String(Math.max(1, Math.ceil(ms / 1000)));
}
