import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { cleanUp, onFailure } from "./cleanup.ts";
import { refused, tool } from "./tools.ts";

export type Ended = { code: number } | { signal: string };

/** A process inside, as its own namespace numbers it. */
export interface Process {
  pid: number;
  ppid: number;
  /** One letter of proc(5): R S D Z T … */
  state: string;
  name: string;
}

export interface ProgramOptions {
  /** Options of test/tools/container.c. */
  container: readonly string[];
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
  /** A pipe that `write` fills; else /dev/null. */
  stdin?: boolean;
  /** SIGKILL after this long. */
  timeoutMs: number;
}

const numberToName = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** Signal names beyond Node's: real-time ones, as `SIGRTMIN+1`. */
function signalNumber(signal: string | number): number {
  if (typeof signal === "number") return signal;
  const known = constants.signals[signal as NodeJS.Signals];
  if (known !== undefined) return known;
  const real = /^SIGRTMIN\+(\d+)$/.exec(signal)?.[1];
  if (real === undefined) throw new Error(`no such signal: ${signal}`);
  return 34 + Number(real);
}

/** A program that runs as PID 1 of its own namespaces. Made by `start`, killed when the test ends. */
export class Program {
  /** PID 1's number outside. */
  readonly pid: number;
  /** How PID 1 ended, once all its output is here. */
  readonly exit: Promise<Ended>;
  stdout = "";
  stderr = "";
  /** Both streams as they came. */
  output = "";
  #ended: Ended | undefined;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();

  private constructor(child: ChildProcess, pid: number, status: () => string, timeoutMs: number) {
    this.#child = child;
    this.pid = pid;
    this.#collect("stdout");
    this.#collect("stderr");
    const alarm = setTimeout(
      () => this.#killNow(`still running after ${timeoutMs} ms: killed by the harness`),
      timeoutMs,
    );
    this.exit = new Promise((resolve) => {
      child.once("close", () => {
        clearTimeout(alarm);
        this.#ended = ended(status());
        for (const look of this.#watchers) look();
        resolve(this.#ended);
      });
    });
  }

  /** Settles when PID 1 is the program; it may not have run an instruction yet. */
  static async start({ container, argv, env, cwd, stdin, timeoutMs }: ProgramOptions): Promise<Program> {
    if (refused !== undefined) throw new Error(refused);
    const child = spawn(tool("container"), ["--pidfile", "fd:3", "--status", "fd:3", ...container, "--", ...argv], {
      cwd,
      env,
      stdio: [stdin === true ? "pipe" : "ignore", "pipe", "pipe", "pipe"],
    });
    let report = "";
    let early = "";
    child.stderr?.on("data", (part: Buffer) => (early += part.toString()));
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", () => reject(new Error(`no container: ${early}`)));
      child.stdio[3]?.on("data", (part: Buffer) => {
        report += part.toString();
        const told = /^pid (\d+)$/m.exec(report)?.[1];
        if (told !== undefined) resolve(Number(told));
      });
    });
    child.stderr?.removeAllListeners("data");
    const program = new Program(child, pid, () => report, timeoutMs);
    program.stderr = early;
    program.output = early;
    let atTheEnd: Ended | undefined;
    cleanUp(() => {
      atTheEnd = program.ended;
      return program.kill();
    });
    onFailure(() => `--- ${argv.join(" ")} (${JSON.stringify(atTheEnd ?? "running")}) ---\n${program.output}`);
    return program;
  }

  get ended(): Ended | undefined {
    return this.#ended;
  }

  #collect(stream: "stdout" | "stderr"): void {
    this.#child[stream]?.on("data", (part: Buffer) => {
      this[stream] += part.toString();
      this.output += part.toString();
      for (const look of this.#watchers) look();
    });
  }

  /** Settles with the match as soon as the output so far has one; rejects with the whole output when it ends without. */
  waitFor(pattern: RegExp, stream: "stdout" | "stderr" | "output" = "output"): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this[stream]);
        if (match === null && this.#ended === undefined) return;
        this.#watchers.delete(look);
        if (match !== null) resolve(match);
        else reject(new Error(`ended (${JSON.stringify(this.#ended)}) without ${pattern}:\n${this.output}`));
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** To PID 1, from outside, as a container runtime signals. */
  signal(signal: string | number): void {
    if (this.#ended !== undefined) throw new Error(`has ended: ${JSON.stringify(this.#ended)}`);
    process.kill(this.pid, signalNumber(signal));
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Runs a program beside PID 1, in all its namespaces, as `docker exec` does. Gives what it printed. */
  inside(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const words = ["--all", "--target", String(this.pid), "--", ...argv];
    const child = spawn("nsenter", words, { stdio: ["ignore", "pipe", "pipe"] });
    const result = { code: -1, stdout: "", stderr: "" };
    child.stdout.on("data", (part: Buffer) => (result.stdout += part.toString()));
    child.stderr.on("data", (part: Buffer) => (result.stderr += part.toString()));
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ ...result, code: code ?? -1 }));
    });
  }

  /** All processes of the namespace but the one that looks. */
  async processes(): Promise<Process[]> {
    const script = "cat /proc/[0-9]*/stat 2>/dev/null; echo self $$";
    const { stdout } = await this.inside("sh", "-c", script);
    const self = Number(/^self (\d+)$/m.exec(stdout)?.[1]);
    return stdout
      .split("\n")
      .flatMap((line) => {
        const match = /^(\d+) \((.*)\) (\S) (\d+) /.exec(line);
        if (match === null) return [];
        const [, pid, name, state, ppid] = match;
        return [{ pid: Number(pid), name: name ?? "", state: state ?? "", ppid: Number(ppid) }];
      })
      .filter(({ pid, ppid }) => pid !== self && ppid !== self)
      .sort((a, b) => a.pid - b.pid);
  }

  async zombies(): Promise<Process[]> {
    return (await this.processes()).filter(({ state }) => state === "Z");
  }

  /** Kills PID 1, and with it everything inside; settles when it is gone. */
  async kill(): Promise<void> {
    this.#killNow();
    await this.exit;
  }

  #killNow(why?: string): void {
    if (this.#ended !== undefined) return;
    if (why !== undefined) this.output += `${why}\n`;
    try {
      process.kill(this.pid, "SIGKILL");
    } catch {
      // Gone already: the exit is on its way.
    }
  }
}

function ended(report: string): Ended {
  const [, how, number] = /^(exit|signal) (\d+)$/m.exec(report) ?? [];
  if (how === "exit") return { code: Number(number) };
  if (how === "signal") return { signal: numberToName.get(Number(number)) ?? `SIGRTMIN+${Number(number) - 34}` };
  throw new Error(`the container runner ended without a report: ${JSON.stringify(report)}`);
}
