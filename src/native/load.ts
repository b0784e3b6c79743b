/** Finds and loads the addon, and closes the door that would break it. */

import { accessSync, constants, realpathSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { type Elf, readElf } from "./elf.ts";
import { forbidChildProcess } from "./forbid.ts";
import type { Pilot } from "./pilot.ts";

const addonFile = "pilot.node";

/**
 * Loads the addon that the launcher has preloaded, else `CONTAINERPILOT_ADDON`, else the one beside the bundle, in a
 * checkout's `build/Release`, or in the package's `prebuilds`.
 * Only "no such file" leads to the next place: an addon that is there and cannot be loaded (built for another libc, too
 * new for this one) is an error that names it. Afterwards `child_process` throws in this process.
 *
 * @param directory where the bundle lies; by default the directory of the program that Node was started with.
 */
export function loadPilot(directory: string = programDirectory()): Pilot {
  const looked: string[] = [];
  for (const { path, preloaded } of addonPlaces(directory)) {
    looked.push(path);
    const addon = loadAddon(path, preloaded, directory);
    if (addon === undefined) continue;
    forbidChildProcess();
    return addon;
  }
  throw unloadable(`${addonFile} for ${target()} was not found; looked at ${looked.join(", ")}. ${advice(directory)}`);
}

/** A fault of the installation: its message says all, and no line of ours is to blame. */
function unloadable(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}

/** The package brings its sources and what compiles them, with nothing but a compiler; an installation elsewhere does not. */
function advice(directory: string): string {
  const compile = normalize(join(directory, "../scripts/compile.mjs"));
  return exists(compile)
    ? `Compile it with: node ${compile}`
    : `Install containerpilot's files for ${target()}, or name the addon in CONTAINERPILOT_ADDON`;
}

/** preloaded: the launcher has seen that it can be loaded, and the loader has done it. */
interface Place {
  path: string;
  preloaded: boolean;
}

/** Lazily: which libc this is has to be read from a file. */
function* addonPlaces(directory: string): Generator<Place> {
  // Set by the launcher, for us alone. A second copy of the addon would be a second native half.
  const preloaded = process.env.CP_ADDON;
  delete process.env.CP_ADDON;
  const named = preloaded ?? process.env.CONTAINERPILOT_ADDON;
  if (named !== undefined && named !== "") {
    yield { path: named, preloaded: preloaded !== undefined };
    return;
  }
  yield { path: join(directory, addonFile), preloaded: false };
  yield { path: join(directory, "../build/Release", addonFile), preloaded: false };
  const prebuilt = join(directory, "../prebuilds", `${process.platform}-${process.arch}`);
  yield { path: join(own().libc === "musl" ? `${prebuilt}-musl` : prebuilt, addonFile), preloaded: false };
}

function programDirectory(): string {
  const program = process.argv[1];
  return program === undefined ? process.cwd() : dirname(realpathSync(program));
}

/** The addon, or undefined when there is no such file. */
function loadAddon(path: string, preloaded: boolean, directory: string): Pilot | undefined {
  if (!preloaded) {
    if (!exists(path)) return undefined;
    // The loader maps a file that was cut short, and the process dies of SIGBUS.
    if (readElf(path)?.whole === false) throw unfit(path, "the file is cut short", directory);
  }
  const module: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw unfit(path, `${reason}; the file ${kindOf(path)}`, directory);
  }
  return module.exports as Pilot;
}

/** It is there and does not load. */
function unfit(path: string, reason: string, directory: string): Error {
  return unloadable(
    `${path} cannot be loaded into Node ${process.versions.node} (${target()}): ${reason}. ${advice(directory)}`,
  );
}

function kindOf(path: string): string {
  try {
    accessSync(path, constants.R_OK);
  } catch {
    return "cannot be read";
  }
  const elf = readElf(path);
  return elf === undefined ? "is no library" : `is for ${process.platform}-${elf.arch} ${elf.libc}`;
}

function exists(path: string): boolean {
  try {
    realpathSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}

/** What an addon must be built for, such as `linux-x64 glibc`. */
function target(): string {
  return `${process.platform}-${process.arch} ${own().libc}`;
}

/** Told by the ELF interpreter of the running program: a glibc image may carry musl's loader as well, and the reverse. */
function own(): Elf {
  return readElf(process.execPath) ?? { arch: process.arch, libc: "unknown libc", whole: true };
}
