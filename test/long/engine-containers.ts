import { expect } from "vitest";
import { cleanUp, onFailure, tempFolder, writeFiles } from "../e2e/harness.ts";
import type { Engine } from "./engine.ts";

let made = 0;

/** A process in a container, as `docker top` shows it. */
export interface Process {
  /** As the machine counts them. */
  pid: number;
  ppid: number;
  /** ps(1): Z is a zombie. */
  state: string;
  words: string;
}

/** A container of the engine's; it is removed when the test ends. */
export class EngineContainer {
  readonly name: string;
  readonly #engine: Engine;
  #said = "";

  private constructor(engine: Engine, name: string) {
    this.#engine = engine;
    this.name = name;
    cleanUp(() => engine.docker("rm", "--force", "--volumes", name));
    onFailure(() => `docker logs ${name}: ${this.#said === "" ? "not asked for" : this.#said}`);
  }

  /** `docker run` with the words given. */
  static async run(engine: Engine, ...words: readonly string[]): Promise<EngineContainer> {
    const container = new EngineContainer(engine, `init${++made}`);
    await engine.ok("run", "--detach", "--name", container.name, ...words);
    return container;
  }

  /** `docker logs`, as far as they have come. */
  async logs(): Promise<{ stdout: string; stderr: string }> {
    const { stdout, stderr } = await this.#engine.docker("logs", this.name);
    this.#said = stdout + stderr;
    return { stdout, stderr };
  }

  async waitForLog(words: RegExp): Promise<void> {
    const all = async () => {
      const { stdout, stderr } = await this.logs();
      return stdout + stderr;
    };
    await expect.poll(all, { timeout: 40_000, interval: 200 }).toMatch(words);
  }

  /** The code that `docker ps --all` shows once it has ended. */
  async ended(): Promise<number> {
    let status = "";
    const asked = ["ps", "--all", "--filter", `name=^${this.name}$`, "--format", "{{.Status}}"];
    await expect
      .poll(async () => (status = await this.#engine.ok(...asked)), { timeout: 60_000, interval: 200 })
      .toMatch(/^Exited/);
    await this.logs();
    return Number(/^Exited \((\d+)\)/.exec(status)?.[1]);
  }

  /** `docker stop`; `seconds` later the engine kills it. */
  async stop(seconds: number): Promise<void> {
    await this.#engine.ok("stop", "--time", String(seconds), this.name);
  }

  /** What a command prints that runs in it. */
  exec(...words: readonly string[]): Promise<string> {
    return this.#engine.ok("exec", this.name, ...words);
  }

  /** All processes in it, PID 1 first. */
  async processes(): Promise<Process[]> {
    const lines = (await this.#engine.ok("top", this.name, "-eo", "pid,ppid,stat,args")).split("\n").slice(1);
    return lines.map((line) => {
      const [pid, ppid, state = "", ...words] = line.trim().split(/\s+/);
      return { pid: Number(pid), ppid: Number(ppid), state, words: words.join(" ") };
    });
  }

  /** Our own process, whether it is PID 1 or not. */
  async init(): Promise<Process> {
    const found = (await this.processes()).find(({ words }) => /containerpilot\.cjs /.test(words));
    if (found === undefined) throw new Error(`${this.name} has no init`);
    return found;
  }

  async noZombies(): Promise<void> {
    const zombies = async () => (await this.processes()).filter(({ state }) => state.startsWith("Z"));
    await expect.poll(zombies, { timeout: 20_000 }).toEqual([]);
  }
}

/** Words for `docker run`: a configuration in place of the image's. */
export function configured(settings: unknown): string[] {
  const folder = tempFolder();
  writeFiles(folder, { "containerpilot.json": JSON.stringify(settings) });
  return ["--volume", `${folder}/containerpilot.json:/etc/containerpilot.json`];
}
