import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { tempFolder } from "./folder.ts";
import { Program } from "./program.ts";
import { PATH, root } from "./tools.ts";

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

/** A network namespace of its own, in which every port is free: servers run on their default ports. */
export interface Network {
  /** For containers that join it. */
  path: string;
  /** Path of a UNIX socket, on this side, that leads to the port inside. */
  reach(port: number): Promise<string>;
  /** HTTP to a port inside. Rejects when nothing listens or the answer takes more than 5 s. */
  http(port: number, path: string, how?: { method?: string; body?: string }): Promise<Answer>;
}

export async function network(): Promise<Network> {
  const folder = tempFolder();
  const relay = await Program.start({
    container: ["--net", "--bind", folder],
    argv: [process.execPath, join(root, "test/fixtures/relay.mjs"), folder],
    env: { PATH },
    cwd: folder,
    stdin: true,
    timeoutMs: 600_000,
  });
  const reached = new Map<number, Promise<unknown>>();
  const reach = async (port: number): Promise<string> => {
    if (!reached.has(port)) {
      relay.write(`${port}\n`);
      reached.set(port, relay.waitFor(new RegExp(`^${port} ready$`, "m")));
    }
    await reached.get(port);
    return join(folder, String(port));
  };
  return {
    path: `/proc/${relay.pid}/ns/net`,
    reach,
    http: async (port, path, how = {}) => ask({ socketPath: await reach(port), path, ...how }),
  };
}

/** One HTTP request, answered whole. */
export function ask(
  how: ({ socketPath: string } | { host: string; port: number }) & { path: string; method?: string; body?: string },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { body, ...options } = how;
    const sent = request({ ...options, agent: false, timeout: 5000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer in 5 s: ${how.path}`)));
    sent.on("error", reject);
    sent.end(body);
  });
}

/** A port of the machine that nothing listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
