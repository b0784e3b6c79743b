/** What the tests of the control socket share. */
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { RunOptions } from "../harness/run.ts";
import { type Container, entrypoint, root, run } from "../harness.ts";

/** A job that ends on TERM at once, and tells its variables when it starts. */
export const main = { name: "main", exec: ["sh", "-c", "env; echo main is up; exec sleep 1000"] };

/** A v3 configuration with its socket in the container's folder, where the test can reach it too. */
export const v3 = (more: object = {}): object => ({
  consul: "127.0.0.1:1",
  logging: { level: "DEBUG" },
  stopTimeout: 1,
  control: { socket: "c.sock" },
  jobs: [main],
  ...more,
});

export interface Answer {
  code: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

export interface Question {
  method?: string;
  path: string;
  body?: string | Buffer;
}

/** One request of its own connection. */
export function ask(socketPath: string, { method = "POST", path, body }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path, agent: false }, (response) => {
      let text = "";
      response.on("data", (part: Buffer) => (text += part.toString()));
      response.once("error", reject);
      response.once("end", () => resolve({ code: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    asked.once("error", reject);
    asked.end(body);
  });
}

/** A connection, once it is made. */
export function open(socketPath: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath, () => resolve(socket));
    socket.on("error", reject);
  });
}

/** All that comes back until the other side closes. */
export function closed(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (part: Buffer) => (text += part.toString()));
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(text));
  });
}

export interface Controlled extends Container {
  socket: string;
}

/** A container whose socket answers. */
export async function controlled(config: unknown, options: RunOptions = {}): Promise<Controlled> {
  const box = await run({ timeoutMs: 60_000, config, ...options });
  await box.waitFor(/control: serving at/);
  return Object.assign(box, { socket: join(box.folder, "c.sock") });
}

/** Both ways to the flags: the launcher, and Node alone. */
export const ways: readonly [string, readonly string[]][] = [
  ["the launcher", [entrypoint]],
  ["Node alone", [process.execPath, join(root, "dist/containerpilot.cjs")]],
];
