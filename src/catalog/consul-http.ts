/** Calls to a Consul agent over the `consul` package's transport: always with a deadline, a bounded answer, an error in words. */
import { EventEmitter } from "node:events";
import http from "node:http";
import type https from "node:https";
import { Writable } from "node:stream";
import Consul from "consul";
import type { Ms } from "../plan.ts";
import { CatalogError, type Failure } from "./catalog.ts";
import { realClock } from "./clock.ts";
import type { Target } from "./consul-target.ts";
import { cutError, excerpt, givenUpError, lateError, tooLargeError, transportError, wasReset } from "./http-errors.ts";
import { sharedLookup } from "./lookup.ts";

const certificateHint =
  "name the CA that signed it (tls.cafile or CONSUL_CACERT), or accept any (tls.verify: false or CONSUL_HTTP_SSL_VERIFY=false)";
/** Some ten thousand instances; more is not a catalog's answer. */
const bodyBytesMax = 32 * 1024 * 1024;

export interface Call {
  method: "GET" | "PUT";
  /** Below `/v1`; `{id}` stands for the param of that name, encoded. */
  path: string;
  params?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body?: object;
  /** From now to the end of the answer, or to its beginning where `bodyMs` is given; > 0. */
  timeoutMs: Ms;
  /** From the beginning of the answer to its end. */
  bodyMs?: Ms;
  /** Blocking queries have connections of their own: a heartbeat never waits behind one. */
  lane: "call" | "watch";
  signal?: AbortSignal;
}

export interface Answer {
  text: string;
  /** `X-Consul-Index`; 0: none, so blocking does not work. */
  index: number;
}

/** The package's requests, which its types leave out. */
interface Transport {
  _get(options: object): Promise<http.IncomingMessage>;
  _put(options: object): Promise<http.IncomingMessage>;
  destroy(): void;
}

type Lanes = Record<Call["lane"], Transport>;

export class ConsulHttp {
  readonly #target: Target;
  readonly #underWay = new Set<EventEmitter>();
  #lanes: Promise<Lanes> | undefined;
  #closed = false;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Rejects with CatalogError by the deadline at the latest. */
  async call(call: Call): Promise<Answer> {
    if (!(call.timeoutMs > 0 && Number.isFinite(call.timeoutMs))) throw new TypeError("timeoutMs: a call needs an end");
    const end = realClock.now() + call.timeoutMs;
    try {
      const [lanes, token] = await this.#within(call.timeoutMs, Promise.all([this.#open(), this.#target.token()]));
      try {
        return await this.#once(lanes, token, call, end);
      } catch (error) {
        // The agent had just closed the connection that was kept for the next call. All our calls may be repeated.
        if (!wasReset(error) || call.lane === "watch" || end - realClock.now() < 1) throw error;
        return await this.#once(lanes, token, call, end);
      }
    } catch (error) {
      throw transportError(
        error,
        `${call.method} ${this.#target.shown}/v1${shownPath(call)}`,
        call.timeoutMs,
        certificateHint,
      );
    }
  }

  /** Calls under way reject; connections are closed. */
  close(): void {
    this.#closed = true;
    for (const context of [...this.#underWay]) context.emit("cancel");
    void this.#lanes?.then(
      (lanes) => {
        lanes.call.destroy();
        lanes.watch.destroy();
      },
      () => {
        // They were never opened.
      },
    );
  }

  async #once(lanes: Lanes, token: string | undefined, call: Call, end: Ms): Promise<Answer> {
    if (this.#closed || call.signal?.aborted) throw givenUpError();
    const context = new EventEmitter();
    const giveUp = (): unknown => context.emit("cancel");
    const left = Math.max(1, Math.ceil(end - realClock.now()));
    const body = new Body(giveUp, call.bodyMs === undefined ? undefined : { beginMs: left, endMs: call.bodyMs });
    const options = {
      path: call.path,
      params: { ...call.params },
      query: { ...call.query },
      ...(call.body === undefined ? {} : { body: call.body }),
      headers: { "user-agent": "containerpilot", ...(token === undefined ? {} : { "x-consul-token": token }) },
      timeout: left + (call.bodyMs ?? 0),
      ctx: context,
      pipe: body,
    };
    this.#underWay.add(context);
    call.signal?.addEventListener("abort", giveUp, { once: true });
    try {
      const transport = lanes[call.lane];
      const response = await (call.method === "GET" ? transport._get(options) : transport._put(options));
      return { text: body.text(), index: indexOf(response.headers["x-consul-index"]) };
    } catch (error) {
      throw body.problem ?? answerError(error, body.text()) ?? error;
    } finally {
      body.stop();
      this.#underWay.delete(context);
      call.signal?.removeEventListener("abort", giveUp);
    }
  }

  async #within<T>(ms: Ms, promise: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(lateError(ms)), ms);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Files that were missing may be there at the next call. */
  #open(): Promise<Lanes> {
    this.#lanes ??= openLanes(this.#target).catch((error: unknown) => {
      this.#lanes = undefined;
      throw error;
    });
    return this.#lanes;
  }
}

/** What the answer says, up to a bound. Sees also that it was cut off, which the transport does not (it waits on). */
class Body extends Writable {
  problem: CatalogError | undefined;
  readonly #chunks: Buffer[] = [];
  readonly #giveUp: () => void;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `within`: bounds for the answer's beginning, and from there to its end. */
  constructor(giveUp: () => void, within: { beginMs: Ms; endMs: Ms } | undefined) {
    super();
    this.#giveUp = giveUp;
    if (within !== undefined) this.#bound(within.beginMs, lateError(within.beginMs));
    this.once("pipe", (response: http.IncomingMessage) => {
      if (within !== undefined) {
        this.#bound(within.endMs, new CatalogError("down", `the answer did not end within ${within.endMs} ms`));
      }
      response.once("close", () => {
        if (!response.complete) this.#fail(cutError());
      });
    });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= bodyBytesMax) this.#chunks.push(chunk);
    else this.#fail(tooLargeError(bodyBytesMax));
    done();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #bound(ms: Ms, problem: CatalogError): void {
    this.stop();
    this.#timer = setTimeout(() => this.#fail(problem), ms);
  }

  #fail(problem: CatalogError): void {
    this.problem ??= problem;
    this.#giveUp();
  }
}

/** The error of an answer with another status than 2xx, in the words of Go's client; undefined for any other error. */
function answerError(error: unknown, body: string): CatalogError | undefined {
  const { isResponse, response } = error as { isResponse?: boolean; response?: http.IncomingMessage };
  if (!isResponse) return undefined;
  const status = response?.statusCode ?? 0;
  return new CatalogError(kindOf(status, body), `Unexpected response code: ${status} (${excerpt(body)})`);
}

/** Consul 1.8 says 500 for a check that it does not know, newer ones 404. */
function kindOf(status: number, body: string): Failure {
  if (/does not have associated TTL|Unknown check|Unknown service/i.test(body)) return "lost";
  return status >= 500 || status === 429 ? "down" : "refused";
}

async function openLanes(target: Target): Promise<Lanes> {
  const lookup = sharedLookup();
  const shared = { keepAlive: true, lookup };
  let agent: () => http.Agent = () => new http.Agent(shared as http.AgentOptions);
  if (target.secure) {
    const certificates = await target.certificates();
    // Loaded only where it is spoken: 10 ms.
    const [{ Agent }, { checkServerIdentity }] = await Promise.all([import("node:https"), import("node:tls")]);
    const options: https.AgentOptions = {
      ...(shared as https.AgentOptions),
      ...certificates,
      rejectUnauthorized: target.verify,
      // The transport leaves an IPv6 address in its brackets.
      checkServerIdentity: (host, certificate) => checkServerIdentity(host.replace(/^\[(.*)\]$/, "$1"), certificate),
      ...(target.serverName === undefined ? {} : { servername: target.serverName }),
    };
    agent = () => new Agent(options);
  }
  const lane = (): Transport => {
    const { baseUrl, socketPath } = target;
    const options = { baseUrl, agent: agent(), ...(socketPath === undefined ? {} : { socketPath }) };
    return new Consul(options) as unknown as Transport;
  };
  return { call: lane(), watch: lane() };
}

function indexOf(header: string | string[] | undefined): number {
  const index = Number(header);
  return Number.isSafeInteger(index) && index > 0 ? index : 0;
}

/** For messages: as it is sent. */
function shownPath({ path, params, query }: Call): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params?.[name] ?? ""));
  const asked = new URLSearchParams(query).toString();
  return asked === "" ? filled : `${filled}?${asked}`;
}
