// A program as PID 1 of a namespace of its own, with the moments that count.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "./sides.mjs";

const LIMIT_MS = 120_000;

/** The clock of CLOCK_MONOTONIC, ns, as the programs print it. */
export const now = () => process.hrtime.bigint();

export class Container {
  constructor(argv, { env = {}, options = [] } = {}) {
    this.began = now();
    this.output = "";
    this.ended = false;
    this.waiting = [];
    const words = ["--pidfile", "fd:3", ...options, "--", ...argv];
    this.child = spawn(join(root, "build/tools/container"), words, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    this.alarm = setTimeout(() => this.child.kill("SIGKILL"), LIMIT_MS);
    this.pid = new Promise((settle) => {
      this.child.stdio[3].once("data", (line) => settle(Number(/\d+/.exec(line)[0])));
    });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on("data", (part) => this.take(part));
    this.exit = new Promise((settle) => {
      this.child.once("close", (code) => {
        clearTimeout(this.alarm);
        this.ended = true;
        this.take("");
        settle({ code, at: now() });
      });
    });
  }

  take(part) {
    this.output += part;
    this.waiting = this.waiting.filter((look) => !look());
  }

  /** The match, as soon as the output has one. */
  saw(pattern) {
    return new Promise((settle, refuse) => {
      const look = () => {
        const match = pattern.exec(this.output);
        if (match !== null) settle(match);
        else if (this.ended) refuse(new Error(`ended without ${pattern}:\n${this.output}`));
        else return false;
        return true;
      };
      if (!look()) this.waiting.push(look);
    });
  }

  async signal(signal) {
    process.kill(await this.pid, signal);
  }

  async kill() {
    await this.signal("SIGKILL");
    await this.exit;
  }
}
