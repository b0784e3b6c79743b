/** The catalog in Consul: the requests of ContainerPilot 2.7.8 to the agent, and its health endpoint for queries. */
import type { CatalogSettings, Dependency, Ms, Service, Status } from "../plan.ts";
import { asCatalogError, type Backend, CatalogError, type Instance, type Watcher } from "./catalog.ts";
import { type Clock, realClock } from "./clock.ts";
import { type Answer, type Call, ConsulHttp } from "./consul-http.ts";
import { targetOf } from "./consul-target.ts";
import { excerpt } from "./http-errors.ts";
import { sortInstances } from "./instances.ts";
import { Reach } from "./reach.ts";
import { type Page, WatchLoop } from "./watch-loop.ts";

const callMs: Ms = 2_000;
/** The agent answers by then, changed or not, whatever the configuration's `poll` says. */
const blockMs: Ms = 30_000;
/** The agent adds up to a sixteenth of its own; the rest is for the way. */
const blockDeadlineMs: Ms = blockMs + blockMs / 16 + 2_000;
/** A long list over a slow line must come through; one that drips must not hold a query up for ever. */
const watchBodyMs: Ms = 10_000;
/** Consul cuts a check's output at 4 KB itself. */
const outputMax = 4_096;

/** Throws CatalogError for an address that cannot be one. Nothing is connected or read yet. */
export function openConsul(
  settings: Extract<CatalogSettings, { kind: "consul" }>,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock = realClock,
): Backend {
  return new ConsulBackend(new ConsulHttp(targetOf(settings, env)), clock);
}

class ConsulBackend implements Backend {
  readonly callMs = callMs;
  readonly #http: ConsulHttp;
  readonly #clock: Clock;
  readonly #reach: Reach;
  readonly #loops = new Set<WatchLoop>();

  constructor(http: ConsulHttp, clock: Clock) {
    this.#http = http;
    this.#clock = clock;
    this.#reach = new Reach(clock, () => {
      for (const loop of [...this.#loops]) loop.askAgain();
    });
  }

  /**
   * Service, check, status: three requests, as ContainerPilot 2.7.8 makes them, under one deadline.
   *
   * The check carries its status from the first moment. Without it Consul begins with `critical`, and whoever watches
   * with a blocking query sees the instance come (it has no check yet), go, and come again. One that does not begin as
   * passing must never be listed: there the service brings the check along. ContainerPilot 3.8.0 does that always, and
   * makes no request for the check alone.
   */
  async register(service: Service, status: Status, output: string): Promise<void> {
    const end = this.#clock.now() + callMs;
    const left = (): Ms => Math.max(1, end - this.#clock.now());
    const check = checkOf(service, status);
    const { ServiceID: _, ID, ...embedded } = check;
    const body = {
      ...bodyOf(service),
      Check: service.checkEmbedded ? embedded : status === "passing" ? null : { CheckID: ID, ...embedded },
      Checks: null,
    };
    await this.#put("/agent/service/register", body, {}, {}, left());
    if (!service.checkEmbedded) await this.#put("/agent/check/register", check, {}, {}, left());
    await this.#beat(service, status, output, left());
  }

  update(service: Service, status: Status, output: string): Promise<void> {
    return this.#beat(service, status, output, Math.min(callMs, service.ttl / 2));
  }

  async deregister(service: Service): Promise<void> {
    try {
      await this.#put("/agent/service/deregister/{id}", undefined, { id: service.id }, {}, callMs);
    } catch (error) {
      if (asCatalogError(error).kind !== "lost") throw error;
    }
  }

  async list(dependency: Dependency): Promise<readonly Instance[]> {
    return (await this.#query(dependency, 0, "call")).instances;
  }

  watch(
    dependency: Dependency,
    seen: (instances: readonly Instance[]) => void,
    failed: (error: CatalogError) => void,
  ): Watcher {
    const source = {
      clock: this.#clock,
      reach: this.#reach,
      query: (asked: Dependency, index: number, signal: AbortSignal) => this.#query(asked, index, "watch", signal),
    };
    const loop = new WatchLoop(source, dependency, seen, failed);
    this.#loops.add(loop);
    return {
      close: () => {
        this.#loops.delete(loop);
        loop.close();
      },
    };
  }

  close(): void {
    this.#reach.close();
    for (const loop of [...this.#loops]) loop.close();
    this.#loops.clear();
    this.#http.close();
  }

  async #beat({ id, checkEmbedded }: Service, status: Status, output: string, timeoutMs: Ms): Promise<void> {
    if (status === "passing" && !checkEmbedded) {
      await this.#put("/agent/check/pass/{id}", undefined, { id }, { note: "ok" }, timeoutMs);
      return;
    }
    const body = { Status: status, Output: output.slice(0, outputMax) };
    const path = `/agent/check/update/${checkEmbedded ? "service:" : ""}{id}`;
    await this.#put(path, body, { id }, {}, timeoutMs);
  }

  async #put(
    path: string,
    body: object | undefined,
    params: Record<string, string>,
    query: Record<string, string>,
    timeoutMs: Ms,
  ): Promise<void> {
    await this.#call({
      method: "PUT",
      path,
      ...(body === undefined ? {} : { body }),
      params,
      query,
      timeoutMs,
      lane: "call",
    });
  }

  async #query({ name, tag, dc }: Dependency, index: number, lane: Call["lane"], signal?: AbortSignal): Promise<Page> {
    const answer = await this.#call({
      method: "GET",
      path: "/health/service/{name}",
      params: { name },
      query: {
        passing: "1",
        ...(tag ? { tag } : {}),
        ...(dc ? { dc } : {}),
        ...(index > 0 ? { index: String(index), wait: `${blockMs / 1000}s` } : {}),
      },
      timeoutMs: index > 0 ? blockDeadlineMs : callMs,
      ...(lane === "watch" ? { bodyMs: watchBodyMs } : {}),
      lane,
      ...(signal === undefined ? {} : { signal }),
    });
    return { instances: instancesOf(answer.text, name), index: answer.index };
  }

  async #call(call: Call): Promise<Answer> {
    try {
      const answer = await this.#http.call(call);
      if (call.lane === "call") this.#reach.worked();
      return answer;
    } catch (error) {
      if (call.lane === "call" && asCatalogError(error).kind === "down") this.#reach.failed();
      throw error;
    }
  }
}

/** Seconds, as Go reads a duration. */
function seconds(ms: Ms): string {
  return `${ms / 1000}s`;
}

/** Empty fields are left out, as Go does. */
function bodyOf({ id, name, tags, port, address, enableTagOverride, meta }: Service): object {
  return {
    ID: id,
    Name: name,
    ...(tags.length > 0 ? { Tags: tags } : {}),
    ...(port > 0 ? { Port: port } : {}),
    ...(address === "" ? {} : { Address: address }),
    ...(enableTagOverride ? { EnableTagOverride: true } : {}),
    ...(meta === undefined ? {} : { Meta: meta }),
  };
}

function checkOf({ id, name, ttl, checkEmbedded, deregisterCriticalServiceAfter }: Service, status: Status) {
  return {
    ID: id,
    ...(checkEmbedded ? {} : { Name: id }),
    Notes: `TTL for ${name} set by containerpilot`,
    ServiceID: id,
    TTL: seconds(ttl),
    ...(deregisterCriticalServiceAfter ? { DeregisterCriticalServiceAfter: deregisterCriticalServiceAfter } : {}),
    Status: status,
  };
}

/** The parts of an answer of `/v1/health/service` that we read. */
interface Row {
  Node?: { Address?: unknown };
  Service?: { ID?: unknown; Service?: unknown; Address?: unknown; Port?: unknown; Tags?: unknown };
}

/** A service without an address of its own has its node's. Rows without an id are none. */
function instancesOf(text: string, name: string): readonly Instance[] {
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch {
    throw new CatalogError("refused", `the answer for ${name} is not JSON: ${excerpt(text)}`);
  }
  if (!Array.isArray(rows)) throw new CatalogError("refused", `the answer for ${name} is not a list: ${excerpt(text)}`);
  const instances: Instance[] = [];
  for (const { Node: node, Service: service } of rows.filter(
    (row): row is Row => typeof row === "object" && row !== null,
  )) {
    if (typeof service?.ID !== "string") continue;
    instances.push({
      id: service.ID,
      name: textOr(service.Service, name),
      address: textOr(service.Address, "") || textOr(node?.Address, ""),
      port: typeof service.Port === "number" ? service.Port : 0,
      tags: Array.isArray(service.Tags) ? service.Tags.filter((one) => typeof one === "string") : [],
    });
  }
  return sortInstances(instances);
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
