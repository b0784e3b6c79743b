import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { cleanUp } from "../harness/cleanup.ts";
import { tempFolder } from "../harness/folder.ts";
import { type Answer, ask } from "../harness/network.ts";
import { server } from "../harness/tools.ts";
import { freePorts } from "./ports.ts";
import { stop, until } from "./wait.ts";

/** A real etcd with its old API, on ports of its own; what it held is gone when it is started again. */
export class EtcdServer {
  readonly port: number;
  readonly #peerPort: number;
  #child: ChildProcess | undefined;

  private constructor(port: number, peerPort: number) {
    this.port = port;
    this.#peerPort = peerPort;
  }

  /** Ended when the test (or, in a hook, the file) is over. */
  static async start(): Promise<EtcdServer> {
    const [port = 0, peer = 0] = await freePorts(2);
    const etcd = new EtcdServer(port, peer);
    cleanUp(() => etcd.kill());
    await etcd.start();
    return etcd;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const data = join(tempFolder(), "data");
    const urls = ["--listen-client-urls", this.url, "--advertise-client-urls", this.url];
    const peers = ["--listen-peer-urls", `http://127.0.0.1:${this.#peerPort}`];
    // A single member elects itself, after this.
    const quick = ["--heartbeat-interval", "10", "--election-timeout", "100"];
    const argv = [
      "--pdeathsig",
      "KILL",
      server("etcd"),
      "--enable-v2",
      "--data-dir",
      data,
      ...urls,
      ...peers,
      ...quick,
    ];
    this.#child = spawn("setpriv", argv, { stdio: "ignore" });
    await until("etcd is healthy", () => this.healthy(), Boolean, 20_000);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  pause(): Promise<void> {
    return stop(this.#child);
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  healthy(): Promise<boolean> {
    return this.ask("/health").then(
      ({ body }) => body.includes('"health":"true"'),
      () => false,
    );
  }

  /** Past the code under test. */
  ask(path: string, method = "GET", body?: string): Promise<Answer> {
    return ask({ host: "127.0.0.1", port: this.port, path, method, ...(body === undefined ? {} : { body }) });
  }

  /** Values by key below `key`, directories as `true`. */
  async tree(key: string): Promise<Record<string, string | true>> {
    const found: Record<string, string | true> = {};
    const walk = (node: Node): void => {
      found[node.key ?? "/"] = node.dir === true ? true : (node.value ?? "");
      for (const child of node.nodes ?? []) walk(child);
    };
    walk((JSON.parse((await this.ask(`/v2/keys${key}?recursive=true`)).body) as { node: Node }).node);
    return found;
  }
}

interface Node {
  key?: string;
  dir?: boolean;
  value?: string;
  nodes?: Node[];
}
