import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cleanUp, PATH, root, tempFolder } from "../e2e/harness.ts";

/** Kept from run to run: images, layers and build cache. */
const kept = join(root, "build/engine");

/** Where its containers' control groups lie, of every controller: apart from those of another checkout's engine. */
const cgroupParent = `containerpilot-engine${root.replace(/\W+/g, "-")}`;

const readyMs = 30_000;

/** Longer than the 10 s that the engine grants each container. */
const stopMs = 40_000;

/** For what waits while another test file has the images, which may have to build them all first. */
const lockSeconds = 1800;

/** How a command of the client ended. */
export interface Done {
  code: number;
  stdout: string;
  stderr: string;
}

/** What of `docker inspect` the tests look at. */
export interface State {
  Status: string;
  ExitCode: number;
  OOMKilled: boolean;
  StartedAt: string;
  FinishedAt: string;
}

/**
 * machine: in the machine's network, without a bridge of its own, so that builds reach the package registries and nothing
 * of the machine's network is changed. own: as users have it, with a bridge, in a network namespace that ends with it.
 */
type EngineNetwork = "machine" | "own";

function program(name: string): string | undefined {
  return PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

/** The client beside the daemon is of its version; another one on the PATH may want plug-ins. */
const client = ["/usr/bin/docker", program("docker")].find((file) => file !== undefined && existsSync(file));

function daemonWords(folder: string, network: EngineNetwork): string[] {
  const settings = join(folder, "daemon.json");
  writeFileSync(settings, "{}");
  const words = [
    ...["dockerd", "--config-file", settings, "--data-root", join(kept, "data"), "--exec-root", join(folder, "exec")],
    ...["--pidfile", join(folder, "pid"), "--host", `unix://${join(folder, "docker.sock")}`],
    ...["--cgroup-parent", cgroupParent, "--shutdown-timeout", "5"],
  ];
  if (network === "own") return [...words, "--bip", "10.79.0.1/24"];
  return [...words, "--bridge", "none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"];
}

/** Takes away a control group and those below it, from the bottom: they have no files that could be deleted. */
function removeCgroup(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
  }
  rmdirSync(folder);
}

/**
 * The kernel keeps control groups until somebody removes them; it refuses where a process is left. The engine makes its own
 * below that of this process, in each hierarchy.
 */
function removeCgroups(): void {
  const mounts = "/sys/fs/cgroup";
  const own = new Set(readFileSync("/proc/self/cgroup", "utf8").match(/\/.*$/gm));
  for (const folder of [mounts, ...readdirSync(mounts).map((controller) => join(mounts, controller))]) {
    for (const path of own) {
      const parent = join(folder, path, cgroupParent);
      if (existsSync(parent)) removeCgroup(parent);
    }
  }
}

/** A Docker engine of the tests' own, with its own mounts: none is seen outside, and all go with its last process. */
export class Engine {
  readonly socket: string;
  readonly #daemon: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = "";

  private constructor(daemon: ChildProcess, folder: string) {
    this.#daemon = daemon;
    this.socket = join(folder, "docker.sock");
    this.#ended = new Promise((resolve) => daemon.once("close", resolve));
    daemon.stderr?.on("data", (part: Buffer) => (this.#output += part.toString()));
  }

  /** Settles when it answers. Rejects with its own words when it ends instead, or after 30 s (and the wait for the lock). */
  static async start(network: EngineNetwork): Promise<Engine> {
    mkdirSync(kept, { recursive: true });
    const folder = tempFolder();
    const up = network === "own" ? 'ip link set lo up && exec "$@"' : 'exec "$@"';
    const daemon = spawn(
      "flock",
      // It must not outlive the tests, however these end: the kernel tells it (prctl(2), PR_SET_PDEATHSIG).
      [
        ...["--no-fork", "--wait", String(lockSeconds), join(kept, "lock"), "setpriv", "--pdeathsig", "TERM"],
        ...["unshare", "--mount", ...(network === "own" ? ["--net"] : [])],
        ...["sh", "-c", up, "sh", ...daemonWords(folder, network)],
      ],
      { stdio: ["ignore", "ignore", "pipe"], env: { PATH } },
    );
    const engine = new Engine(daemon, folder);
    cleanUp(() => engine.stop());
    await engine.#ready();
    return engine;
  }

  async #ready(): Promise<void> {
    let ended = false;
    void this.#ended.then(() => (ended = true));
    for (let until = Date.now() + lockSeconds * 1000; !existsSync(this.socket); await sleep(50)) {
      if (ended)
        throw new Error(`dockerd ended with ${this.#daemon.exitCode}: ${this.#output.trim().split("\n").at(-1)}`);
      if (Date.now() > until) throw new Error("dockerd opened no socket");
    }
    for (let until = Date.now() + readyMs; ; await sleep(100)) {
      const asked = await this.docker("version");
      if (asked.code === 0) return;
      if (ended || Date.now() > until) throw new Error(`dockerd does not answer: ${asked.stderr.trim()}`);
    }
  }

  /** Runs the client; its exit code is the caller's to look at. Killed after `timeoutMs`, which rejects. */
  docker(...words: readonly string[]): Promise<Done> {
    return this.client(words);
  }

  client(
    words: readonly string[],
    { timeoutMs = 60_000, env = {} }: { timeoutMs?: number; env?: Record<string, string> } = {},
  ): Promise<Done> {
    return new Promise((resolve, reject) => {
      const child = spawn(client ?? "docker", words, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, DOCKER_HOST: `unix://${this.socket}`, ...env },
        timeout: timeoutMs,
        killSignal: "SIGKILL",
      });
      const done: Done = { code: -1, stdout: "", stderr: "" };
      child.stdout.setEncoding("utf8").on("data", (part: string) => (done.stdout += part));
      child.stderr.setEncoding("utf8").on("data", (part: string) => (done.stderr += part));
      child.once("error", reject);
      child.once("close", (code, signal) =>
        code === null
          ? reject(new Error(`docker ${words.join(" ")}: ${signal} after ${timeoutMs} ms\n${done.stderr}`))
          : resolve({ ...done, code }),
      );
    });
  }

  /** What a command that must succeed prints, without the last line's end. */
  async ok(...words: readonly string[]): Promise<string> {
    const done = await this.docker(...words);
    if (done.code !== 0) throw new Error(`docker ${words.join(" ")}: ${done.code}\n${done.stderr}`);
    return done.stdout.trimEnd();
  }

  async state(container: string): Promise<State> {
    return JSON.parse(await this.ok("inspect", "--format", "{{json .State}}", container)) as State;
  }

  /** Stops all containers, then itself; nothing but the images is left. */
  async stop(): Promise<void> {
    if (this.#daemon.exitCode !== null || this.#daemon.signalCode !== null) return;
    const containers = (await this.docker("ps", "--all", "--quiet")).stdout.split("\n").filter((id) => id !== "");
    if (containers.length > 0) await this.docker("rm", "--force", "--volumes", ...containers);
    this.#daemon.kill("SIGTERM");
    const alarm = setTimeout(() => this.#daemon.kill("SIGKILL"), stopMs);
    await this.#ended;
    clearTimeout(alarm);
    removeCgroups();
  }
}

/** Runs something in a container, which an engine that starts may still be refused. */
async function prove(engine: Engine): Promise<void> {
  const packed = join(tempFolder(), "probe.tar");
  const tar = spawn("tar", ["-C", "/usr/bin", "-chf", packed, "docker-init"], { stdio: "ignore" });
  await new Promise((resolve, reject) => tar.once("error", reject).once("close", resolve));
  await engine.ok("import", packed, "probe:latest");
  await engine.ok("run", "--rm", "--network", "none", "probe:latest", "/docker-init", "--version");
  await engine.ok("image", "rm", "probe:latest");
}

/** An engine in the machine's network, or why this machine cannot have one. */
export async function tryEngine(): Promise<Engine | { refused: string }> {
  if (process.getuid?.() !== 0) return { refused: "an engine takes root" };
  const missing = ["dockerd", "docker", "mmdebstrap", "ip", "iptables"].filter((name) => program(name) === undefined);
  if (missing.length > 0) return { refused: `${missing.join(", ")} missing: run scripts/setup docker` };
  try {
    const engine = await Engine.start("machine");
    try {
      await prove(engine);
      return engine;
    } catch (error) {
      await engine.stop();
      throw error;
    }
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}
