import { createServer, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";
import { type ConnectionLimits, Connections } from "../http/connections.ts";
import type { Log } from "./metrics.ts";

export interface Limits extends ConnectionLimits {
  /** Longest request head in bytes; beyond it the answer is 431. */
  headBytesMax: number;
  /** First and longest wait before the next try to listen. */
  retryMs: { first: number; max: number };
}

/** An address and a port; port 0 takes any that is free. */
export interface Endpoint {
  address: string;
  port: number;
}

/** setTimeout and setInterval take no more. */
const NEVER_MS = 2 ** 31 - 1;

/**
 * Listens where it is told to, and goes on trying where it cannot: a taken port or a missing address costs the metrics
 * until it is free or there, and nothing else. (ContainerPilot 2.7.8 ended, and with it the application.)
 */
export class Listener {
  readonly #answer: RequestListener;
  readonly #log: Log;
  readonly #limits: Limits;
  #wanted: Endpoint | undefined;
  #server: Server | undefined;
  #connections: Connections | undefined;
  #retry: NodeJS.Timeout | undefined;
  #waitMs: number;
  /** The last reason that was told; a try that fails for the same one is told at DEBUG. */
  #told: string | undefined;

  constructor(answer: RequestListener, log: Log, limits: Limits) {
    this.#answer = answer;
    this.#log = log;
    this.#limits = limits;
    this.#waitMs = limits.retryMs.first;
  }

  /** Where it listens; undefined while it does not. */
  get bound(): Endpoint | undefined {
    const address = this.#server?.address();
    return typeof address === "object" && address !== null ? address : undefined;
  }

  /**
   * From now on listen there, or (undefined) nowhere. Without effect when it does already. When this returns, the old port
   * is free and its connections have ended.
   */
  use(wanted: Endpoint | undefined): void {
    const same = wanted?.address === this.#wanted?.address && wanted?.port === this.#wanted?.port;
    if (same && (wanted === undefined || this.bound !== undefined)) return;
    this.#leave();
    this.#wanted = wanted;
    this.#waitMs = this.#limits.retryMs.first;
    this.#told = undefined;
    if (wanted !== undefined) this.#open(wanted);
  }

  #leave(): void {
    clearTimeout(this.#retry);
    const { bound } = this;
    if (bound !== undefined) this.#log("info", `telemetry: No longer listening on ${spell(bound)}`);
    this.#server?.close();
    this.#connections?.end();
    this.#server = undefined;
    this.#connections = undefined;
  }

  #open(wanted: Endpoint): void {
    const connections = new Connections(this.#limits);
    const server = createServer({
      maxHeaderSize: this.#limits.headBytesMax,
      // Connections has the time limits; Node's would wake an idle process every 30 s to look for late requests.
      connectionsCheckingInterval: NEVER_MS,
      headersTimeout: 0,
      requestTimeout: 0,
      keepAliveTimeout: 0,
    });
    this.#server = server;
    this.#connections = connections;
    server.on("connection", (socket: Socket) => {
      this.#told = undefined;
      connections.opened(socket);
    });
    server.on("request", (request, response) => {
      const { socket } = request;
      connections.requested(socket);
      response.once("close", () => connections.answered(socket));
      this.#answer(request, response);
    });
    server.once("listening", () => {
      this.#told = undefined;
      this.#waitMs = this.#limits.retryMs.first;
      const address = server.address();
      if (typeof address === "object" && address !== null)
        this.#log("info", `telemetry: Listening on ${spell(address)}`);
    });
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (this.#server !== server) return;
      if (server.listening) this.#tell(`cannot accept a connection: ${words(error)}`);
      else this.#failed(wanted, error);
    });
    try {
      server.listen({ host: wanted.address, port: wanted.port });
    } catch (error) {
      // A port beyond 65535: waiting does not mend it.
      this.#server = undefined;
      this.#tell(`cannot listen on ${spell(wanted)}: ${words(error as NodeJS.ErrnoException)}`);
    }
  }

  #failed(wanted: Endpoint, error: NodeJS.ErrnoException): void {
    this.#tell(`cannot listen on ${spell(wanted)}: ${words(error)}; trying again until it works`);
    this.#server = undefined;
    this.#retry = setTimeout(() => this.#open(wanted), this.#waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, this.#limits.retryMs.max);
  }

  #tell(what: string): void {
    this.#log(what === this.#told ? "debug" : "error", `telemetry: ${what}`);
    this.#told = what;
  }
}

/** As Go prints it: `10.0.0.5:9090`, `[fe80::1]:9090`. */
function spell({ address, port }: { address: string; port: number }): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function words(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EADDRINUSE":
      return "another program listens there (EADDRINUSE)";
    case "EADDRNOTAVAIL":
      return "no interface has this address (EADDRNOTAVAIL)";
    case "EACCES":
      return "a port this low needs CAP_NET_BIND_SERVICE (EACCES)";
    case "ERR_SOCKET_BAD_PORT":
      return "a port is at most 65535";
    case "EMFILE":
    case "ENFILE":
      return `no file descriptor is left (${error.code})`;
    default:
      return error.code ?? error.message;
  }
}
