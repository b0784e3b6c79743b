/** `cpctl install`: an installation in a directory of the image, at its build. */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UsageError } from "./environment.ts";

/** For a start and a stop that take a second. */
const CACHE_MS = 60_000;

const CODE_CACHE = "code.cache";

/** sysexits(3). */
const EX_CANTCREAT = 73;

/** The application while the code is made: waits for it, at most half a minute. */
const WAITER = 'i=0; while [ ! -e "$0" ] && [ $i -lt 300 ]; do i=$((i + 1)); sleep 0.1; done';

export interface InstallOptions {
  /** false: the bundle as it is. */
  codeCache: boolean;
}

/** What to say and where (`lines`: on stderr), and the code to leave with. */
export interface Installed {
  code: number;
  text: string;
  lines: readonly string[];
}

/** The folder below prebuilds/ for this Node. */
function target(): string {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return `${process.platform}-${process.arch}${header.glibcVersionRuntime === undefined ? "-musl" : ""}`;
}

/** A file of the native half: beside us in an image, an archive or a checkout, below prebuilds/ in the package. */
function native(from: string, name: string): string {
  const places = [join(from, name), join(from, "../prebuilds", target(), name)];
  const found = places.find((place) => existsSync(place));
  if (found === undefined)
    throw new UsageError(`${name} for ${target()} was not found; looked at ${places.join(", ")}`);
  return found;
}

/**
 * Copies launcher, addon, bundle and licences from where this program lies, the Node beside them too, and keeps the code
 * that V8 makes of the bundle for exactly this Node and the flags that the launcher gives it.
 *
 * @param directory made where it does not exist; what else lies there stays
 * @throws UsageError where it cannot be: the native half for this machine is missing, or it would install over itself
 */
export function install(directory: string, { codeCache }: InstallOptions): Installed {
  const own = import.meta.dirname;
  const from = realpathSync(own.endsWith("/chunks") ? dirname(own) : own);
  if (directory === "") throw new UsageError("the directory has no name");
  const to = resolve(directory);
  if (existsSync(to) && realpathSync(to) === from) {
    throw new UsageError(`${to} is where it lies already: choose another directory`);
  }
  const parts = { launcher: native(from, "containerpilot"), addon: native(from, "pilot.node") };
  try {
    place(from, to, parts);
  } catch (error) {
    const { code = String(error), path, dest } = error as NodeJS.ErrnoException & { dest?: string };
    return { code: EX_CANTCREAT, text: "", lines: [`cpctl: ${dest ?? path ?? to}: cannot be written (${code})`] };
  }
  const said = [`${to}: containerpilot for ${target()}`];
  const why = codeCache ? keepCode(to) : "";
  if (why === undefined) said.push(`${join(to, CODE_CACHE)}: V8's code for Node ${process.versions.node}`);
  else if (why !== "") said.push(`no code cache: ${why}`);
  return { code: 0, text: said.map((line) => `${line}\n`).join(""), lines: [] };
}

/** All files, readable by everybody whatever the umask: the container's user need not be the image's. */
function place(from: string, to: string, parts: { launcher: string; addon: string }): void {
  const bundle = existsSync(join(from, "init.cjs")) ? "init.cjs" : "containerpilot.cjs";
  if (makeFolder(to)) chmodSync(to, 0o755);
  // Chunks of an earlier installation; what lies there without one is somebody else's.
  if (existsSync(join(to, "containerpilot.cjs"))) rmSync(join(to, "chunks"), { recursive: true, force: true });
  for (const old of [CODE_CACHE, "init.cjs"]) rmSync(join(to, old), { force: true });
  copyNew(parts.launcher, join(to, "containerpilot"), 0o755);
  copyNew(parts.addon, join(to, "pilot.node"), 0o644);
  copyNew(join(from, bundle), join(to, "containerpilot.cjs"), 0o644);
  for (const name of ["cached.cjs", "LICENSES.txt"]) copyNew(join(from, name), join(to, name), 0o644);
  copyNew(join(from, "cpctl.cjs"), join(to, "cpctl.cjs"), 0o755);
  makeFolder(join(to, "chunks"));
  chmodSync(join(to, "chunks"), 0o755);
  for (const name of readdirSync(join(from, "chunks"))) {
    copyNew(join(from, "chunks", name), join(to, "chunks", name), 0o644);
  }
  if (existsSync(join(from, "node"))) copyNew(join(from, "node"), join(to, "node"), 0o755);
}

/** Whether it was made. Node's own recursive one never returns from some folders, of /proc among them. */
function makeFolder(path: string): boolean {
  if (existsSync(path) && statSync(path).isDirectory()) return false;
  if (!existsSync(dirname(path))) makeFolder(dirname(path));
  mkdirSync(path);
  return true;
}

/** A running program keeps its old file. */
function copyNew(from: string, to: string, mode: number): void {
  rmSync(to, { force: true });
  copyFileSync(from, to);
  chmodSync(to, mode);
}

/** Starts once what was installed, so that the code is of the functions that a start runs. What was wrong, or undefined. */
function keepCode(to: string): string | undefined {
  copyNew(join(to, "containerpilot.cjs"), join(to, "init.cjs"), 0o644);
  copyNew(join(to, "cached.cjs"), join(to, "containerpilot.cjs"), 0o644);
  const pack = join(to, CODE_CACHE);
  const { PATH, CONTAINERPILOT_MEMORY, CONTAINERPILOT_NODE } = process.env;
  const given = { PATH, CONTAINERPILOT_MEMORY, CONTAINERPILOT_NODE: CONTAINERPILOT_NODE ?? ownNode(to) };
  const words = ["-config", '{"consul":"127.0.0.1:1"}', "sh", "-c", WAITER, pack];
  const done = spawnSync(join(to, "containerpilot"), words, {
    env: { ...given, CP_CODE_CACHE: pack },
    encoding: "utf8",
    timeout: CACHE_MS,
    killSignal: "SIGKILL",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (existsSync(pack)) {
    chmodSync(pack, 0o644);
    return undefined;
  }
  // As if it had never been tried.
  copyNew(join(to, "init.cjs"), join(to, "containerpilot.cjs"), 0o644);
  rmSync(join(to, "init.cjs"));
  return done.error?.message ?? (done.stderr.trim() || `the start ended with ${done.status}`);
}

/** The Node that runs this, unless one lies beside the launcher, which it takes first. */
function ownNode(to: string): string | undefined {
  return existsSync(join(to, "node")) ? undefined : process.execPath;
}
