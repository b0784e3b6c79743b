/** Calls to etcd's v2 keys API, at whichever of the endpoints answers. */
import http from "node:http";
import type { Ms } from "../plan.ts";
import { CatalogError } from "./catalog.ts";
import { realClock } from "./clock.ts";
import { type Answer, type Asking, ask, askForLines, type Lines } from "./http-ask.ts";
import { excerpt, givenUpError, transportError, wasReset } from "./http-errors.ts";
import { sharedLookup } from "./lookup.ts";
import { systemCertificates } from "./system-certificates.ts";

const certificateHint = "put the CA that signed it among the system's certificates";
/** Codes of etcd's v2 API that mean something to us. */
export const etcdCode = { keyNotFound: 100, notAFile: 102 } as const;

export interface Call {
  method: Asking["method"];
  /** Below `/v2/keys`: begins with a slash, each part encoded. */
  key: string;
  query: Readonly<Record<string, string>>;
  form?: Readonly<Record<string, string>>;
  timeoutMs: Ms;
  signal?: AbortSignal;
}

/** etcd said no, with a code of its own; `index` is what it knew up to. */
export class EtcdRefusal extends CatalogError {
  readonly code: number;
  readonly index: number;
  constructor(kind: CatalogError["kind"], message: string, code: number, index: number) {
    super(kind, message);
    this.code = code;
    this.index = index;
  }
}

export interface Found {
  /** The answer's JSON. */
  value: unknown;
  /** `X-Etcd-Index`: what the answer knows up to; 0 without one. */
  index: number;
}

type Way = Pick<Asking, "request" | "agent">;

export class EtcdHttp {
  readonly #endpoints: readonly string[];
  readonly #lookup = sharedLookup();
  readonly #ways = new Map<string, Promise<Way>>();
  #closed = false;
  /** The endpoint that answered last: the others are asked only when it does not. */
  #first = 0;

  constructor(endpoints: readonly string[]) {
    this.#endpoints = endpoints.map((endpoint) => endpoint.replace(/\/+$/, ""));
  }

  /** Rejects with CatalogError (EtcdRefusal where etcd gave a code) by the deadline at the latest. */
  call(call: Call): Promise<Found> {
    return this.#somewhere(call, async (asking) => foundIn(await twice(asking)));
  }

  /** Settles when etcd listens to what happens below the key; each event's JSON is given to `take`. */
  listen(call: Call, take: (line: string) => void): Promise<Lines> {
    return this.#somewhere(call, async (asking) => {
      const answer = await askForLines(asking, take);
      if ("ended" in answer) return answer;
      foundIn(answer);
      throw new CatalogError("down", "the answer ended at once");
    });
  }

  /** Calls under way reject, since their connections are closed. */
  close(): void {
    this.#closed = true;
    for (const way of this.#ways.values()) void way.then(({ agent }) => agent.destroy());
  }

  /** What is left of the deadline is shared evenly among the endpoints that were not asked yet. */
  async #somewhere<T>(call: Call, act: (asking: Asking) => Promise<T>): Promise<T> {
    const end = realClock.now() + call.timeoutMs;
    const count = this.#endpoints.length;
    const first = this.#first;
    let failure = new CatalogError("refused", "etcd has no endpoints");
    for (let n = 0; n < count; n += 1) {
      const at = (first + n) % count;
      const timeoutMs = Math.max(1, (end - realClock.now()) / (count - n));
      try {
        const done = await this.#at(this.#endpoints[at] ?? "", { ...call, timeoutMs }, act);
        this.#first = at;
        return done;
      } catch (error) {
        failure = error as CatalogError;
        if (failure.kind !== "down" || this.#closed || call.signal?.aborted) break;
      }
    }
    throw failure;
  }

  async #at<T>(endpoint: string, call: Call, act: (asking: Asking) => Promise<T>): Promise<T> {
    const { key, query, ...rest } = call;
    const asked = new URLSearchParams(query).toString();
    const url = `${endpoint}/v2/keys${key}${asked === "" ? "" : `?${asked}`}`;
    try {
      if (this.#closed) throw givenUpError();
      if (!/^https?:\/\//.test(endpoint) || !URL.canParse(url)) {
        throw new CatalogError("refused", "etcd's endpoints are URLs such as http://etcd:4001");
      }
      return await act({ ...(await this.#way(new URL(url).protocol)), ...rest, url });
    } catch (error) {
      if (!(error instanceof EtcdRefusal))
        throw transportError(error, `${call.method} ${url}`, call.timeoutMs, certificateHint);
      throw new EtcdRefusal(error.kind, `${call.method} ${url}: ${error.message}`, error.code, error.index);
    }
  }

  #way(protocol: string): Promise<Way> {
    const way = this.#ways.get(protocol) ?? this.#open(protocol);
    this.#ways.set(protocol, way);
    return way;
  }

  async #open(protocol: string): Promise<Way> {
    const shared = { keepAlive: true, lookup: this.#lookup };
    if (protocol === "http:") return { request: http.request, agent: new http.Agent(shared as http.AgentOptions) };
    const ca = await systemCertificates(process.env.SSL_CERT_FILE);
    // Loaded only where it is spoken: 10 ms.
    const https = await import("node:https");
    const options = { ...shared, ...(ca === undefined ? {} : { ca }) };
    return { request: https.request, agent: new https.Agent(options as http.AgentOptions) };
  }
}

/** The server had just closed the connection that was kept for the next call: once more. All our calls may be repeated. */
async function twice(asking: Asking): Promise<Answer> {
  const began = realClock.now();
  try {
    return await ask(asking);
  } catch (error) {
    const left = asking.timeoutMs - (realClock.now() - began);
    if (!wasReset(error) || left < 1) throw error;
    return await ask({ ...asking, timeoutMs: left });
  }
}

function foundIn({ status, headers, text }: Answer): Found {
  const index = Number(headers["x-etcd-index"]);
  const good = status >= 200 && status <= 299;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    if (good) throw new CatalogError("refused", `the answer is not JSON: ${excerpt(text)}`);
  }
  if (good) return { value, index: Number.isSafeInteger(index) && index > 0 ? index : 0 };
  const { errorCode, message, cause, index: known } = (value ?? {}) as Record<string, unknown>;
  if (typeof errorCode !== "number") {
    const kind = status >= 500 ? "down" : "refused";
    throw new CatalogError(kind, `Unexpected response code: ${status} (${excerpt(text)})`);
  }
  const words = excerpt(`${errorCode}: ${message} (${cause})`);
  throw new EtcdRefusal(kindOf(status, errorCode), words, errorCode, typeof known === "number" ? known : 0);
}

/** 300 to 399 of its own codes are the cluster's troubles: no leader, an election, a timeout. */
function kindOf(status: number, code: number): CatalogError["kind"] {
  if (code === etcdCode.keyNotFound) return "lost";
  return status >= 500 || (code >= 300 && code < 400) ? "down" : "refused";
}
