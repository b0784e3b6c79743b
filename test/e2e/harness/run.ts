import { join } from "node:path";
import { memoryLimit, pidsLimit } from "./cgroup.ts";
import { cleanUp } from "./cleanup.ts";
import { type Files, tempFolder, writeFiles } from "./folder.ts";
import type { Network } from "./network.ts";
import { Program } from "./program.ts";
import { PATH, root } from "./tools.ts";

export interface RunOptions {
  /** Written to `config.json` of the container's folder and given by `-config`; text as it is, else as JSON. */
  config?: unknown;
  /** The init's own flags, besides `-config`. */
  flags?: readonly string[];
  /** The application and its words. */
  words?: readonly string[];
  /** On top of PATH, the only variable that is always there. */
  env?: Readonly<Record<string, string>>;
  /**
   * Relative paths go into the container's folder, which is its working directory and shared with the test. With an
   * absolute path among them the container gets a private root, so that /etc or /opt may be written to.
   */
  files?: Files;
  /** own: a new one with only lo; a Network: together with others; host (default): the machine's. */
  net?: "host" | "own" | Network;
  hostname?: string;
  /** UID[:GID] */
  user?: string;
  /** A terminal of its own; `write` types, and all output is stdout. */
  tty?: boolean;
  stdin?: "null" | "pipe";
  readOnly?: boolean;
  noProc?: boolean;
  /** PATH or PATH,OPTIONS such as `/tmp,size=64k`. */
  tmpfs?: readonly string[];
  /** SOURCE:TARGET, shared with the host. */
  binds?: readonly string[];
  memoryBytes?: number;
  pids?: number;
  /** In place of dist/containerpilot: a path, or several words (`["node", "dist/containerpilot.cjs"]`, `["tini", "--"]`). */
  entrypoint?: readonly string[];
  /** SIGKILL after this long, 20 s unless given. */
  timeoutMs?: number;
}

/** The built entrypoint, as an image would hold it. */
export const entrypoint: string = join(root, "dist/containerpilot");

/** A container under test. */
export interface Container extends Program {
  /** Its working directory, seen under the same path from both sides. */
  readonly folder: string;
}

/** The options of the runner for everything but network, user and limits: file systems. */
function fileSystems(options: RunOptions, folder: string): string[] {
  const words = ["--bind", folder];
  const absolute = Object.entries(options.files ?? {}).filter(([path]) => path.startsWith("/"));
  if (absolute.length > 0) {
    words.push("--files", tempFolder(Object.fromEntries(absolute)));
  }
  for (const bind of options.binds ?? []) words.push("--bind", bind);
  for (const tmpfs of options.tmpfs ?? []) words.push("--tmpfs", tmpfs);
  if (options.readOnly === true) words.push("--rootfs-ro");
  if (options.noProc === true) words.push("--no-proc");
  return words;
}

function limits({ memoryBytes, pids }: RunOptions): string[] {
  const groups = [
    ...(memoryBytes === undefined ? [] : [memoryLimit(memoryBytes)]),
    ...(pids === undefined ? [] : [pidsLimit(pids)]),
  ];
  for (const group of groups) cleanUp(() => group.remove());
  return groups.flatMap(({ folder }) => ["--cgroup", folder]);
}

function commandLine(options: RunOptions, folder: string): string[] {
  const argv = [...(options.entrypoint ?? [entrypoint])];
  if (options.config !== undefined) {
    const text = typeof options.config === "string" ? options.config : JSON.stringify(options.config, null, 2);
    writeFiles(folder, { "config.json": text });
    argv.push("-config", `file://${join(folder, "config.json")}`);
  }
  return [...argv, ...(options.flags ?? []), ...(options.words ?? [])];
}

/** Starts a container with containerpilot as PID 1. Killed, and its folder removed, when the test ends. */
export async function run(options: RunOptions): Promise<Container> {
  const folder = tempFolder(
    Object.fromEntries(Object.entries(options.files ?? {}).filter(([path]) => !path.startsWith("/"))),
  );
  const container = [...limits(options), ...fileSystems(options, folder)];
  if (options.net === "own") container.push("--net");
  else if (options.net !== undefined && options.net !== "host") container.push("--netns", options.net.path);
  if (options.hostname !== undefined) container.push("--hostname", options.hostname);
  if (options.user !== undefined) container.push("--user", options.user);
  if (options.tty === true) container.push("--tty");
  const program = await Program.start({
    container,
    argv: commandLine(options, folder),
    env: { PATH, ...options.env },
    cwd: folder,
    stdin: options.stdin === "pipe" || options.tty === true,
    timeoutMs: options.timeoutMs ?? 20_000,
  });
  return Object.assign(program, { folder });
}
