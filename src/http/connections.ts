import type { Socket } from "node:net";

export interface ConnectionLimits {
  /** Most connections at a time. */
  connectionsMax: number;
  /** From the connection's start until its first request is here whole. */
  requestMs: number;
  /** From a request until its response has been taken. */
  responseMs: number;
  /** From a response until the next request is here whole. */
  idleMs: number;
}

interface Connection {
  timer: NodeJS.Timeout | undefined;
  /** Requests not answered yet. */
  open: number;
}

/**
 * Bounds what a client may cost: each connection has one deadline, by its state, that no trickle of bytes puts off, and
 * when there are too many, the one that has been silent longest goes. So a crowd of slow clients keeps nobody out.
 *
 * Node's own time limits need a timer that fires twice a minute for ever; these exist only while a connection does.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  /** The one that changed its state longest ago comes first. */
  readonly #all = new Map<Socket, Connection>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  opened(socket: Socket): void {
    if (this.#all.size >= this.#limits.connectionsMax && !this.#evict()) {
      socket.destroy();
      return;
    }
    this.#all.set(socket, { timer: undefined, open: 0 });
    this.#until(socket, this.#limits.requestMs);
    socket.once("close", () => {
      clearTimeout(this.#all.get(socket)?.timer);
      this.#all.delete(socket);
    });
  }

  requested(socket: Socket): void {
    this.#count(socket, 1, this.#limits.responseMs);
  }

  answered(socket: Socket): void {
    this.#count(socket, -1, this.#limits.idleMs);
  }

  /** Cuts all. A response that was given is with the kernel already, but for one whose client does not take it. */
  end(): void {
    for (const socket of this.#all.keys()) socket.destroy();
  }

  #count(socket: Socket, by: 1 | -1, ms: number): void {
    const connection = this.#all.get(socket);
    if (connection === undefined) return;
    connection.open += by;
    if (by === 1 ? connection.open === 1 : connection.open === 0) this.#until(socket, ms);
  }

  #until(socket: Socket, ms: number): void {
    const connection = this.#all.get(socket);
    if (connection === undefined) return;
    clearTimeout(connection.timer);
    connection.timer = setTimeout(() => socket.destroy(), ms);
    this.#all.delete(socket);
    this.#all.set(socket, connection);
  }

  #evict(): boolean {
    for (const [socket, { open }] of this.#all) {
      if (open > 0) continue;
      socket.destroy();
      return true;
    }
    return false;
  }
}
