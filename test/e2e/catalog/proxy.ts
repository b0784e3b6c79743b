import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { cleanUp } from "../harness/cleanup.ts";

export interface Asked {
  at: number;
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** Answers by itself and returns true, or leaves the request to the agent. */
export type Fault = (request: Asked, response: ServerResponse) => boolean;

/** What stands in front of a real agent: passes on, records, and spoils what it is told to spoil. */
export class AgentProxy {
  readonly asked: Asked[] = [];
  /** Of the agent's answers to requests that pass: given in whole instead of being passed on. */
  spoil: ((asked: Asked, text: string, response: ServerResponse) => boolean) | undefined;
  fault: Fault | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #agentPort: number;

  private constructor(agentPort: number) {
    this.#agentPort = agentPort;
    this.#server = createServer((incoming, response) => void this.#take(incoming, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(agentPort: number): Promise<AgentProxy> {
    const proxy = new AgentProxy(agentPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    cleanUp(() => {
      proxy.#server.close();
      proxy.cut();
    });
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Resets every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async #take(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(incoming);
    const { method = "", url = "", headers } = incoming;
    const asked: Asked = { at: performance.now(), method, url, headers, body };
    this.asked.push(asked);
    response.on("error", () => {});
    if (this.fault?.(asked, response)) return;
    const options = { host: "127.0.0.1", port: this.#agentPort, method, path: url, headers, agent: false };
    const outgoing = request(options, (answer) => {
      const { spoil } = this;
      if (spoil === undefined) {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
        return;
      }
      void text(answer).then((whole) => {
        const { "content-length": _, ...kept } = answer.headers;
        for (const [name, value] of Object.entries(kept)) if (value !== undefined) response.setHeader(name, value);
        response.statusCode = answer.statusCode ?? 502;
        if (!spoil(asked, whole, response)) response.end(whole);
      });
    });
    outgoing.on("error", () => response.socket?.destroy());
    response.on("close", () => outgoing.destroy());
    outgoing.end(body);
  }
}

function text(message: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let whole = "";
    message.setEncoding("utf8");
    message.on("data", (part: string) => {
      whole += part;
    });
    message.on("end", () => resolve(whole));
    message.on("error", () => resolve(whole));
  });
}
