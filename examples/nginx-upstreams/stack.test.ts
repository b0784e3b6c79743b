import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import {
  type Container,
  consulAgent,
  describeContainers,
  type Network,
  PATH,
  run,
  type Server,
  server,
} from "../../test/e2e/harness.ts";

const FRONT = 8000;
const TEST_MS = 120_000;
const here = import.meta.dirname;
const files = Object.fromEntries(
  ["nginx.json", "backend.json", "nginx.conf", "render.mjs", "backend.mjs"].map((name) => [
    name,
    readFileSync(join(here, name), "utf8"),
  ]),
);

function start(
  net: Network,
  config: string,
  port: number,
  hostname: string,
  words: readonly string[],
): Promise<Container> {
  return run({
    net,
    hostname,
    files,
    flags: ["-config", `file://${config}`],
    words,
    env: { PORT: String(port), INTERFACE: "lo", PATH: `${dirname(server("nginx"))}:${PATH}` },
    timeoutMs: TEST_MS,
  });
}

const backend = (net: Network, port: number, name: string) =>
  start(net, "backend.json", port, name, ["node", "backend.mjs"]);

const front = (net: Network) =>
  start(net, "nginx.json", FRONT, "front", ["sh", "-c", 'exec nginx -p "$PWD" -e stderr -c "$PWD/nginx.conf"']);

/** Asks without a pause until told to stop, and keeps who answered and what failed. */
class Load {
  readonly answered = new Map<string, number>();
  readonly failed: string[] = [];
  #on = true;
  #ended: Promise<void>;

  constructor(net: Network) {
    this.#ended = this.#ask(net);
  }

  async #ask(net: Network): Promise<void> {
    while (this.#on) {
      try {
        const { status, body } = await net.http(FRONT, "/");
        if (status === 200) this.answered.set(body.trim(), (this.answered.get(body.trim()) ?? 0) + 1);
        else this.failed.push(`${status}`);
      } catch (error) {
        this.failed.push(String(error));
      }
    }
  }

  /** Settles when this many more requests were answered by each of these, and none by others. */
  async until(names: readonly string[], each = 5): Promise<void> {
    for (;;) {
      this.answered.clear();
      await new Promise((resolve) => setTimeout(resolve, 200));
      const seen = [...this.answered.keys()].sort();
      if (seen.join() === [...names].sort().join() && [...this.answered.values()].every((n) => n >= each)) return;
    }
  }

  async stop(): Promise<void> {
    this.#on = false;
    await this.#ended;
  }
}

const registered = async (consul: Server) =>
  Object.values(await consul.json<Record<string, { Service: string }>>("/v1/agent/services", undefined)).map(
    ({ Service }) => Service,
  );

describeContainers("nginx with dynamic upstreams", () => {
  it(
    "follows its backends, and no request fails",
    async () => {
      const consul = await consulAgent();
      const { net } = consul;
      const one = await backend(net, 8081, "one");
      await one.waitFor(/Service registered: backend/);
      const nginx = await front(net);
      await nginx.waitFor(/Service registered: front/);
      const load = new Load(net);
      await load.until(["one"]);

      const two = await backend(net, 8082, "two");
      await load.until(["one", "two"]);
      await backend(net, 8083, "three");
      await load.until(["one", "three", "two"]);

      one.signal("SIGTERM");
      await load.until(["three", "two"]);
      expect(await one.exit).toEqual({ code: 0 });
      two.signal("SIGTERM");
      await load.until(["three"]);
      expect(await two.exit).toEqual({ code: 0 });

      await load.stop();
      expect(load.failed).toEqual([]);
      nginx.signal("SIGTERM");
      expect(await nginx.exit).toEqual({ code: 0 });
      expect(await registered(consul)).toEqual(["backend"]);
    },
    TEST_MS,
  );
});
