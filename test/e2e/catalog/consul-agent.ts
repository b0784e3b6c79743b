import { type ChildProcess, spawn } from "node:child_process";
import { request } from "node:http";
import { cleanUp } from "../harness/cleanup.ts";
import { server } from "../harness/tools.ts";
import { freePorts } from "./ports.ts";
import { stop, until } from "./wait.ts";

/** A real Consul agent in development mode on ports of its own; what it held is gone when it is started again. */
export class ConsulAgent {
  readonly port: number;
  readonly #argv: readonly string[];
  #child: ChildProcess | undefined;
  #token: string | undefined;

  private constructor(port: number, argv: readonly string[]) {
    this.port = port;
    this.#argv = argv;
  }

  /** `options`: further arguments of the agent. Ended when the test (or, in a hook, the file) is over. */
  static async start(...options: string[]): Promise<ConsulAgent> {
    const agent = await ConsulAgent.prepare(...options);
    await agent.start();
    return agent;
  }

  /** Not started yet: the port is known, nobody listens. */
  static async prepare(...options: string[]): Promise<ConsulAgent> {
    const [http = 0, rpc = 0, lan = 0, wan = 0] = await freePorts(4);
    const ports = ["-http-port", http, "-server-port", rpc, "-serf-lan-port", lan, "-serf-wan-port", wan];
    const unused = ["-dns-port", "-1", "-grpc-port", "-1"];
    const argv = ["agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-log-level", "err"];
    const agent = new ConsulAgent(http, [...argv, ...ports.map(String), ...unused, ...options]);
    cleanUp(() => agent.kill());
    return agent;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** `token`: for an agent that wants one. */
  async start(token?: string): Promise<void> {
    this.#token = token ?? this.#token;
    const argv = ["--pdeathsig", "KILL", server("consul"), ...this.#argv];
    this.#child = spawn("setpriv", argv, { stdio: "ignore" });
    await until(
      "Consul answers for itself",
      () => this.json<unknown[]>("/v1/health/service/consul?passing=1").catch(() => []),
      (rows) => rows.length > 0,
      20_000,
    );
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

  answers(): Promise<boolean> {
    return this.json("/v1/agent/services").then(
      () => true,
      () => false,
    );
  }

  /** Past the code under test. */
  async json<T>(path: string, method = "GET", body?: object): Promise<T> {
    const { status, text } = await this.#ask(path, method, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  #ask(path: string, method: string, body?: object): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = this.#token === undefined ? {} : { "x-consul-token": this.#token };
      const options = { host: "127.0.0.1", port: this.port, path, method, headers, agent: false, timeout: 5_000 };
      const sent = request(options, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => (text += part));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer within 5 s")));
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
