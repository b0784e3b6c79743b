import { lstatSync, unlinkSync } from "node:fs";
import { resolve } from "node:path";
import { OTHER_FOLDERS, SOCKET_NAME, SOCKET_VARIABLE } from "../control/places.ts";
import type { RequestId } from "../core/contract.ts";
import type { Pilot } from "../native/pilot.ts";
import type { Logging } from "../plan.ts";
import type { ControlPort, PortHost } from "./control-port.ts";
import { errnoName } from "./errno.ts";
import { Lazy } from "./lazy.ts";

/** Most inits that share one folder, each with a name of its own. */
const SHARING_MAX = 9;

/**
 * The control socket as the loop sees it. It listens from before the first program on, so that whatever a program asks waits
 * in its backlog; the code that serves it is loaded when the first programs run.
 */
export class Controls {
  readonly #host: PortHost;
  readonly #port: Lazy<ControlPort>;
  #wanted = "";
  #open: Opened | undefined;
  /** INFO as ContainerPilot 3.8.0's; version 2 had no socket to speak of. */
  #level: "info" | "debug" = "info";

  constructor(
    { pilot, environment }: Pick<PortHost, "pilot" | "environment">,
    telemetries: PortHost["telemetries"],
    push: PortHost["push"],
  ) {
    const host: PortHost = { pilot, environment, telemetries, push };
    this.#host = host;
    this.#port = new Lazy(
      async () => (await import("./control-port.ts")).openControlPort(host),
      (error) => host.pilot.log("error", `control: cannot be loaded: ${String(error)}`, []),
    );
  }

  /** Listens there, or where it can; nothing happens when it does already. */
  use(path: string, dialect: Logging["dialect"]): void {
    this.#level = dialect === "v3" ? "info" : "debug";
    if (path === this.#wanted) return;
    this.#wanted = path;
    const { pilot, environment } = this.#host;
    // Absolute: children may find it from another directory.
    const { opened, why } = open(pilot, resolve(path), this.#open !== undefined);
    if (opened === undefined) {
      const instead = this.#open === undefined ? "there is none" : `it stays at ${this.#open.path}`;
      pilot.log("warn", `control: no other place for the socket, ${instead}: ${why}`, []);
      return;
    }
    if (why !== undefined) pilot.log("warn", `control: ${why}; serving at ${opened.path} instead`, []);
    this.end();
    this.#open = opened;
    environment.set(SOCKET_VARIABLE, opened.path);
    this.#port.do((port) => port.serve(opened.fd));
  }

  /** The first programs run: whatever they ask is answered from now on. */
  begin(): void {
    this.#say();
  }

  /** A configuration was read for a request: the lines that say what is wrong with it, or none. */
  loaded(request: RequestId, problems: readonly string[]): void {
    this.#port.do((port) => port.loaded(request, problems));
  }

  /** The core's answer to a request. */
  reply(request: RequestId, ok: boolean, body: unknown): void {
    this.#port.do((port) => {
      if (port.reply(request, ok, body) === "reloaded") this.#say();
    });
  }

  /** Removes the socket's file, unless somebody else has put another one there since. */
  end(): void {
    if (this.#open === undefined) return;
    const { path, inode } = this.#open;
    try {
      if (lstatSync(path).ino === inode) unlinkSync(path);
    } catch {
      // Gone, or in a directory that has become read-only: there is nothing that we could do about it.
    }
  }

  #say(): void {
    if (this.#open !== undefined) this.#host.pilot.log(this.#level, `control: serving at ${this.#open.path}`, []);
  }
}

interface Opened {
  path: string;
  fd: number;
  inode: number;
}

/** The wanted place, else (`only` it: none) the first that can be had; and why it is not the wanted one. */
function open(pilot: Pilot, wanted: string, only: boolean): { opened?: Opened; why?: string } {
  let why: string | undefined;
  let taken = false;
  const attempt = (path: string): Opened | undefined => {
    const fd = pilot.listen(path);
    if (fd >= 0) return { path, fd, inode: lstatSync(path).ino };
    const errno = errnoName(-fd);
    taken ||= errno === "EADDRINUSE";
    why ??= `${path} ${reason(errno)}`;
    return undefined;
  };
  const first = attempt(wanted);
  if (first !== undefined) return { opened: first };
  if (only) return why === undefined ? {} : { why };
  for (let n = 1; n <= SHARING_MAX && (n === 1 || taken); n += 1) {
    for (const folder of OTHER_FOLDERS) {
      const opened = attempt(`${folder}/${SOCKET_NAME}${n === 1 ? "" : `-${n}`}.socket`);
      if (opened !== undefined) return why === undefined ? { opened } : { opened, why };
    }
  }
  return why === undefined ? {} : { why };
}

function reason(errno: string): string {
  switch (errno) {
    case "EADDRINUSE":
      return "belongs to another process, which answers there";
    case "ENAMETOOLONG":
      return "is longer than the 107 bytes that a socket's path may have";
    default:
      return `cannot be used (${errno})`;
  }
}
