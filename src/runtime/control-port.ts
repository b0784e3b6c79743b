/** What the control socket asks, put to the loop. A chunk of its own, loaded with the first connection. */
import type { ControlHost, Order, Refusal } from "../control/host.ts";
import { type ControlServer, serveControl } from "../control/server.ts";
import type { Ask, RequestId } from "../core/contract.ts";
import type { Pilot } from "../native/pilot.ts";
import type { ControlParts } from "./controls.ts";
import { documentOf } from "./overview.ts";

export interface ControlPort {
  /** Serves this listening descriptor, which it then owns, and nothing else any more. */
  serve(fd: number): void;
  loaded(request: RequestId, problems: readonly string[]): void;
  /** `reloaded`: a reload that the socket asked for is in force. */
  reply(request: RequestId, ok: boolean, body: unknown): "reloaded" | undefined;
}

type Settle = (refusal: Refusal | undefined) => void;

/** Longest NAME=VALUE that execve(2) takes (MAX_ARG_STRLEN, 32 pages): with a longer one nothing could be started. */
const VARIABLE_BYTES_MAX = 131_072 - 1;

/** Most keys without a metric that are told at WARN; what comes after them is told at DEBUG. */
const TOLD_MAX = 100;
/** Longest piece of such a key in a log line. */
const KEY_SHOWN_MAX = 100;

export function openControlPort(host: ControlParts): ControlPort {
  const requests = new Requests(host);
  const unknown = new UnknownMetrics(host);
  const log: ControlHost["log"] = (level, message) => host.pilot.log(level, message, []);
  const control: ControlHost = {
    setEnvironment: (variables) => setVariables(variables, host, log),
    postMetrics(values) {
      for (const [key, text] of values) host.telemetries.post(key, text, () => unknown.tell(key));
    },
    order: (order) => requests.order(order),
    overview: () => documentOf(host.look()),
    answered: (path, code) =>
      host.telemetries.note("containerpilot_control_http_requests", 1, { code: String(code), path }),
    peer: (fd) => host.pilot.peer(fd),
    log,
  };
  let server: ControlServer | undefined;
  return {
    serve(fd) {
      server?.close();
      server = serveControl(fd, control);
    },
    loaded: (request, problems) => requests.loaded(request, problems),
    reply: (request, ok, body) => requests.reply(request, ok, body),
  };
}

/** As ContainerPilot 3.8.0, sets what can be set; what cannot is left out, and said. */
function setVariables(
  variables: ReadonlyMap<string, string>,
  { environment }: ControlParts,
  log: ControlHost["log"],
): void {
  for (const [name, value] of variables) {
    const why = unsettable(name, value);
    if (why === undefined) environment.set(name, value);
    else log("warn", `control: environ: ${JSON.stringify(name)} is left out: ${why}`);
  }
}

function unsettable(name: string, value: string): string | undefined {
  if (name === "") return "a variable has a name";
  if (/[=\0]/.test(name)) return "no variable's name has = or a 0 byte in it";
  if (value.includes("\0")) return "no variable's value has a 0 byte in it";
  const bytes = Buffer.byteLength(name) + 1 + Buffer.byteLength(value);
  return bytes > VARIABLE_BYTES_MAX ? `no program can be started with a variable of ${bytes} bytes` : undefined;
}

/** Values that no metric takes: a job may post every second, so each key is told once, and not all of very many. */
class UnknownMetrics {
  readonly #pilot: Pilot;
  readonly #told = new Set<string>();

  constructor({ pilot }: ControlParts) {
    this.#pilot = pilot;
  }

  tell(key: string): void {
    const told = this.#told.has(key) || this.#told.size >= TOLD_MAX;
    if (!told) this.#told.add(key);
    const name = JSON.stringify(key.length > KEY_SHOWN_MAX ? `${key.slice(0, KEY_SHOWN_MAX)}…` : key);
    this.#pilot.log(told ? "debug" : "warn", `control: metric: no metric takes values for ${name}`, []);
  }
}

/** Requests that wait for the core. */
class Requests {
  readonly #host: ControlParts;
  #last: RequestId = 0;
  readonly #waiting = new Map<RequestId, Settle>();
  /** The reload whose configuration is being read, and who waits for the word on it. */
  #reading: { request: RequestId; waiting: Settle[] } | undefined;
  /** Asked meanwhile: they get one further reading, for the file may have changed since this one began. */
  #next: Settle[] = [];
  /** Reloads that were accepted and are not in force yet. */
  readonly #accepted = new Set<RequestId>();

  constructor(host: ControlParts) {
    this.#host = host;
  }

  order(order: Order): Promise<Refusal | undefined> {
    return new Promise((settle) => {
      if (order.do === "reload") this.#reload([settle]);
      else this.#ask(askOf(order), settle);
    });
  }

  loaded(request: RequestId, problems: readonly string[]): void {
    if (this.#reading?.request !== request) return;
    if (problems.length === 0) this.#accepted.add(request);
    this.#read(problems.length === 0 ? undefined : { lines: problems });
  }

  /** `reloaded`: a reload that the socket asked for is in force. */
  reply(request: RequestId, ok: boolean, body: unknown): "reloaded" | undefined {
    const refusal = ok ? undefined : { lines: [words(body)] };
    this.#waiting.get(request)?.(refusal);
    this.#waiting.delete(request);
    if (this.#reading?.request === request) this.#read(refusal);
    if (!this.#accepted.delete(request) || !ok) return undefined;
    this.#host.pilot.log("debug", "control: reloaded app via control plane", []);
    return "reloaded";
  }

  #reload(waiting: Settle[]): void {
    if (this.#reading !== undefined) {
      this.#next.push(...waiting);
      return;
    }
    this.#host.pilot.log("debug", "control: reloading app via control plane", []);
    this.#last += 1;
    this.#reading = { request: this.#last, waiting };
    this.#host.push({ t: "asked", request: this.#last, ask: { do: "reload" } });
  }

  /** The word on the configuration that was read. */
  #read(refusal: Refusal | undefined): void {
    for (const settle of this.#reading?.waiting ?? []) settle(refusal);
    this.#reading = undefined;
    const next = this.#next.splice(0);
    if (next.length > 0) this.#reload(next);
  }

  #ask(ask: Ask, settle: Settle): void {
    this.#last += 1;
    this.#waiting.set(this.#last, settle);
    this.#host.push({ t: "asked", request: this.#last, ask });
  }
}

function askOf(order: Exclude<Order, { do: "reload" }>): Ask {
  if (order.do !== "maintenance") return order;
  return { do: "maintenance", on: order.on, ...(order.forMs !== undefined && { for: order.forMs }) };
}

function words(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}
