// What is measured side by side: each an entrypoint that starts the program given to it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "..");
const built = join(root, "build/bench");

/** Compiles a program of programs/, once a run. */
export function program(name) {
  mkdirSync(built, { recursive: true });
  const source = join(import.meta.dirname, "programs", `${name}.c`);
  const made = spawnSync("gcc", ["-O2", "-static", "-o", join(built, name), source], { stdio: "inherit" });
  if (made.status !== 0) throw new Error(`${source} does not compile`);
  return join(built, name);
}

/** A minimal configuration, as containerpilot 2 and the original read it. */
export const bare = JSON.stringify({ consul: "127.0.0.1:8500" });

const inPath = (name) => spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();

/** A Node script that only starts the program: what an entrypoint in Node costs at the least. */
const naive =
  'const [f, ...a] = process.argv.slice(1); require("node:child_process").spawn(f, a, { stdio: "inherit" })';
const forwarding = `${naive}.on("exit", (c, s) => process.exit(c ?? 128)); for (const s of ["SIGTERM", "SIGINT"]) process.on(s, () => 0)`;

/** @returns {Record<string, string[]>} name → argv before the program's */
export function sides() {
  const original = process.env.CONTAINERPILOT_GO;
  const found = {
    tini: inPath("tini") && [inPath("tini"), "--"],
    "dumb-init": inPath("dumb-init") && [inPath("dumb-init"), "--"],
    "naive Node": [process.execPath, "-e", forwarding, "--"],
    containerpilot: [join(root, "dist/containerpilot"), "-config", bare],
    original: original && existsSync(original) && [original, "-config", bare],
  };
  return Object.fromEntries(Object.entries(found).filter(([, argv]) => argv));
}
