import { join } from "node:path";
import { type Files, tempFolder } from "./folder.ts";
import { type Answer, type Network, network } from "./network.ts";
import { Program } from "./program.ts";
import { PATH, server } from "./tools.ts";

const TEST_MS = 600_000;

/** A server that tests need beside the container, in a network that the container may join. */
export interface Server {
  net: Network;
  /** The process just now; changes with `start`. */
  program: Program;
  http(path: string, how?: { method?: string; body?: string }): Promise<Answer>;
  /** Its answer's JSON; a body is sent as JSON, by PUT unless another method is named. */
  json<T>(path: string, body?: unknown, method?: string): Promise<T>;
  /** Keeps connections open and answers nothing, until `resume`. */
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
  /** Again after `kill`, empty, on the same ports; settles when it is ready. */
  start(): Promise<void>;
}

interface Recipe {
  argv(folder: string): readonly string[];
  files?: Files;
  ready: RegExp;
  port: number;
}

async function serve(recipe: Recipe, net: Network): Promise<Server> {
  const launch = async (): Promise<Program> => {
    const folder = tempFolder(recipe.files);
    const program = await Program.start({
      container: ["--netns", net.path, "--bind", folder],
      argv: recipe.argv(folder),
      env: { PATH },
      cwd: folder,
      timeoutMs: TEST_MS,
    });
    await program.waitFor(recipe.ready);
    return program;
  };
  const http: Server["http"] = (path, how) => net.http(recipe.port, path, how);
  const made: Server = {
    net,
    program: await launch(),
    http,
    async json<T>(path: string, body?: unknown, method = "PUT"): Promise<T> {
      const answer = await http(path, body === undefined ? {} : { method, body: JSON.stringify(body) });
      if (answer.status < 200 || answer.status > 299) throw new Error(`${path}: ${answer.status} ${answer.body}`);
      return (answer.body === "" ? undefined : JSON.parse(answer.body)) as T;
    },
    pause: () => made.program.signal("SIGSTOP"),
    resume: () => made.program.signal("SIGCONT"),
    kill: () => made.program.kill(),
    async start() {
      made.program = await launch();
    },
  };
  return made;
}

/** A Consul agent in development mode, on 127.0.0.1:8500 of its network; `more`: further flags of the agent. */
export async function consulAgent(net?: Network, more: readonly string[] = []): Promise<Server> {
  const argv = [
    ...[server("consul"), "agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-log-level", "info"],
    ...more,
  ];
  return serve({ argv: () => argv, ready: /Synced node info/, port: 8500 }, net ?? (await network()));
}

/** etcd on 127.0.0.1:2379 of its network, with both APIs. */
export async function etcd(net?: Network): Promise<Server> {
  const argv = (folder: string) => [
    ...[server("etcd"), "--enable-v2", "--data-dir", join(folder, "data")],
    ...["--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379"],
    ...["--listen-peer-urls", "http://127.0.0.1:2380", "--log-outputs", "stderr"],
  ];
  return serve({ argv, ready: /serving insecure client requests/, port: 2379 }, net ?? (await network()));
}

/** nginx with the given `server`, `upstream`, … blocks of its http section, answering on `port` of its network. */
export async function nginx(http: string, port: number, net?: Network): Promise<Server> {
  const argv = (folder: string) => [server("nginx"), "-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")];
  const settings = `daemon off; master_process on; pid nginx.pid; error_log stderr notice; user root;
events {}
http {
  access_log off;
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
  ${http}
}
`;
  const recipe = { argv, files: { "nginx.conf": settings }, ready: /start worker process/, port };
  return serve(recipe, net ?? (await network()));
}
