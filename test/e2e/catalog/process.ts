import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { beforeAll } from "vitest";
import type { CatalogSettings } from "../../../src/plan.ts";
import { cleanUp } from "../harness/cleanup.ts";
import { tempFolder } from "../harness/folder.ts";
import type { Command } from "./programs/session.ts";
import { until } from "./wait.ts";

let program = "";

/** The program as one file of JavaScript, for all tests of the importing file: Node 20 reads no TypeScript. */
beforeAll(async () => {
  program = join(tempFolder(), "session.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "programs/session.ts")],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    // The packages' requires of Node's modules need a `require`, which an ES module has not.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
});

export interface Line {
  at: number;
  t?: string;
  watch?: string;
  count?: number;
  level?: string;
  message?: string;
}

/** A session in a process of its own. */
export class SessionProcess {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];

  private constructor(child: ChildProcess) {
    this.child = child;
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on("line", (line) => this.lines.push(JSON.parse(line) as Line));
    }
    cleanUp(() => child.kill("SIGKILL"));
  }

  /** `before`: what starts Node, such as `unshare …`. */
  static async start(settings: CatalogSettings, before: readonly string[] = []): Promise<SessionProcess> {
    const [file = "", ...argv] = [...before, process.execPath, program, JSON.stringify(settings)];
    const started = new SessionProcess(spawn(file, argv, { stdio: ["pipe", "pipe", "inherit"] }));
    await started.line(({ t }) => t === "ready");
    return started;
  }

  tell(command: Command): void {
    this.child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  async line(holds: (line: Line) => boolean): Promise<Line> {
    const found = await until(
      "a line of the process",
      () => this.lines.find(holds) ?? this.lines.at(-1),
      (line) => line !== undefined && holds(line),
    );
    return found as Line;
  }

  /** Ends its stdin; the exit code, and the milliseconds until it came. */
  async close(): Promise<{ code: number | null; ms: number }> {
    const began = performance.now();
    const gone = new Promise<number | null>((resolve) => this.child.once("exit", resolve));
    this.child.stdin?.end();
    const code = await gone;
    return { code, ms: performance.now() - began };
  }
}
