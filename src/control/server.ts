/** Serves the control socket. A chunk of its own, loaded when the application runs. */
import type { Server as HttpServer } from "node:http";
import { createServer, type Socket } from "node:net";
import { type ConnectionLimits, Connections } from "../http/connections.ts";
import type { ControlHost } from "./host.ts";
import type { HttpLimits } from "./http.ts";

export interface ControlServer {
  /** Takes no further connection; those that are open come to their answer, or their deadline. */
  close(): void;
}

export type ControlLimits = ConnectionLimits & HttpLimits;

const LIMITS: ControlLimits = {
  connectionsMax: 256,
  requestMs: 10_000,
  responseMs: 30_000,
  // Every connection is closed behind its answer.
  idleMs: 1000,
  headBytesMax: 8192,
  bodyBytesMax: 256 * 1024,
  lingerMs: 1000,
};

const FORBIDDEN = [
  "HTTP/1.1 403 Forbidden",
  "Content-Type: text/plain; charset=utf-8",
  "Content-Length: 10",
  "Connection: close",
  "",
  "Forbidden\n",
].join("\r\n");

/**
 * Serves the listening descriptor `fd`, which it then owns. Only root and our own user are answered: the file's mode keeps
 * others out, but a mode can be changed, and a directory shared.
 */
export function serveControl(fd: number, host: ControlHost, given: Partial<ControlLimits> = {}): ControlServer {
  const limits = { ...LIMITS, ...given };
  const connections = new Connections(limits);
  const door = new Door(host);
  let http: Promise<HttpServer> | undefined;
  // Paused: nothing is read from a connection before there is somebody who reads it. A client that has said all may close
  // its half and still gets its answer.
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    connections.opened(socket);
    socket.on("error", () => socket.destroy());
    if (!door.isOpen(socket)) {
      // Read on, so that the client is not cut off in its request before it has seen the answer.
      socket.resume();
      socket.end(FORBIDDEN);
      return;
    }
    http ??= loadHttp(host, limits, connections);
    http.then(
      (ready) => {
        if (socket.destroyed) return;
        ready.emit("connection", socket);
        socket.resume();
      },
      (error: unknown) => {
        host.log("error", `control: cannot serve: ${error instanceof Error ? error.message : error}`);
        socket.destroy();
      },
    );
  });
  server.on("error", (error) => host.log("error", `control: cannot accept a connection: ${error.message}`));
  server.listen({ fd });
  return { close: () => void server.close() };
}

async function loadHttp(host: ControlHost, limits: ControlLimits, connections: Connections): Promise<HttpServer> {
  const { createHttp } = await import("./http.ts");
  const http = createHttp(host, limits);
  http.on("request", (request, response) => {
    const { socket } = request;
    // Only a request that is here whole may take its time: one whose body does not come can be evicted for another's sake.
    request.once("end", () => {
      if (response.writableEnded) return;
      connections.requested(socket);
      response.once("close", () => connections.answered(socket));
    });
  });
  return http;
}

/** Node keeps the descriptor in its handle and has no other way to it. */
function descriptorOf(socket: Socket): number | undefined {
  return (socket as Socket & { _handle?: { fd?: number } })._handle?.fd;
}

/** Who may ask. */
class Door {
  readonly #host: ControlHost;
  #told = false;

  constructor(host: ControlHost) {
    this.#host = host;
  }

  isOpen(socket: Socket): boolean {
    const fd = descriptorOf(socket);
    const user = fd === undefined || fd < 0 ? undefined : this.#host.peer(fd);
    if (user === 0 || (user !== undefined && user === process.geteuid?.())) return true;
    const who = user === undefined || user < 0 ? "somebody whom the kernel does not name" : `user ${user}`;
    const level = this.#told ? "debug" : "warn";
    this.#told = true;
    this.#host.log(level, `control: a request of ${who} is refused: only root and our own user may ask`);
    return false;
  }
}
