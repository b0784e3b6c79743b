import { connect, type Socket } from "node:net";
import type { Endpoint } from "../../../src/telemetry/listener.ts";

export interface Answer {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

/** A connection on which a test says every byte itself. */
export class Client {
  readonly socket: Socket;
  /** Settles when the connection has ended, from whatever side. */
  readonly ended: Promise<void>;
  #parts: Buffer[] = [];
  #length = 0;
  #look: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (part: Buffer) => {
      this.#parts.push(part);
      this.#length += part.length;
      this.#look();
    });
    // A reset is an end like another; what it cut off is missing in the answer.
    socket.on("error", () => undefined);
    this.ended = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.once("close", () => this.#look());
  }

  static open({ address, port }: Endpoint): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, address).once("error", reject);
      socket.once("connect", () => resolve(new Client(socket)));
    });
  }

  /** What came and was not taken as an answer. */
  get received(): string {
    return Buffer.concat(this.#parts).toString("latin1");
  }

  /** Its length in bytes. */
  get length(): number {
    return this.#length;
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Settles when so many bytes are here; rejects when the connection ends before. */
  has(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        if (this.#length >= bytes) resolve();
        else if (this.socket.destroyed) reject(new Error(`ended after ${this.#length} bytes`));
      };
      this.#look();
    });
  }

  /** The next whole answer. Rejects when the connection ends before. `head`: an answer to HEAD has no body. */
  answer(head = false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        const answer = this.#take(head);
        if (answer !== undefined) resolve(answer);
        else if (this.socket.destroyed) reject(new Error(`ended after ${JSON.stringify(this.received)}`));
      };
      this.#look();
    });
  }

  #take(head: boolean): Answer | undefined {
    const received = Buffer.concat(this.#parts);
    const end = received.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [first = "", ...lines] = received.subarray(0, end).toString("latin1").split("\r\n");
    const headers = Object.fromEntries(
      lines.map((line) => {
        const [, name = "", value = ""] = /^([^:]*): *(.*)$/.exec(line) ?? [];
        return [name.toLowerCase(), value];
      }),
    );
    const length = end + 4 + (head ? 0 : Number(headers["content-length"] ?? 0));
    if (received.length < length) return undefined;
    const body = received.subarray(end + 4, length);
    this.#parts = [received.subarray(length)];
    this.#length = received.length - length;
    return { status: Number(first.split(" ")[1]), headers, body };
  }
}

/** One request on a connection of its own. */
export async function ask(endpoint: Endpoint, path = "/metrics", method = "GET", headers = ""): Promise<Answer> {
  const client = await Client.open(endpoint);
  client.send(`${method} ${path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n${headers}\r\n`);
  const answer = await client.answer(method === "HEAD");
  client.socket.destroy();
  return answer;
}
