import { closeSync, lstatSync, unlinkSync } from "node:fs";
import { resolve } from "node:path";
import { SOCKET_VARIABLE } from "../control/places.ts";
import type { RequestId } from "../core/contract.ts";
import type { Listening, Pilot } from "../native/pilot.ts";
import type { Logging } from "../plan.ts";
import type { ControlPort } from "./control-port.ts";
import type { Environment } from "./environment.ts";
import { Lazy } from "./lazy.ts";
import type { Sight } from "./overview.ts";
import type { Unnumbered } from "./processes.ts";
import type { Telemetries } from "./telemetries.ts";

/** What of the loop the control socket needs. */
export interface ControlParts {
  pilot: Pilot;
  environment: Environment;
  telemetries: Telemetries;
  push(input: Unnumbered): void;
  look(): Sight;
}

/**
 * The control socket as the loop sees it. It listens from before the first program on, so that whatever a program asks waits
 * in its backlog; the code that serves it, and Node's `net` with it (2.6 MiB), is loaded with the first connection.
 */
export class Controls {
  readonly #parts: ControlParts;
  readonly #port: Lazy<ControlPort>;
  #wanted = "";
  #at: Listening | undefined;
  #inode = 0;
  #served = false;
  /** INFO as ContainerPilot 3.8.0's; version 2 had no socket to speak of. */
  #level: "info" | "debug" = "info";

  constructor(parts: ControlParts) {
    this.#parts = parts;
    this.#port = new Lazy(
      async () => (await import("./control-port.ts")).openControlPort(this.#parts),
      (error) => parts.pilot.log("error", `control: cannot be loaded: ${String(error)}`, []),
    );
  }

  /** Listens there, or where it can; one that listens already stays where it is rather than go anywhere else. */
  use(path: string, dialect: Logging["dialect"]): void {
    if (path === this.#wanted) return;
    this.#wanted = path;
    this.#level = dialect === "v3" ? "info" : "debug";
    // Absolute: children may find it from another directory.
    const wanted = resolve(path);
    const before = this.#at;
    const at = this.#parts.pilot.listen(wanted, before === undefined);
    if (at.errno !== 0) this.#sayWhyNot(wanted, at, before?.path);
    if (at.fd < 0) return;
    this.end();
    // The server closes its own.
    if (before !== undefined && !this.#served) closeSync(before.fd);
    this.#at = at;
    this.#inode = lstatSync(at.path).ino;
    this.#parts.environment.set(SOCKET_VARIABLE, at.path);
    this.#say();
    if (this.#served || !this.#parts.pilot.watch(at.fd)) this.#serve(at);
  }

  /** Somebody connects to what is not served yet. */
  knock(): void {
    if (this.#at !== undefined && !this.#served) this.#serve(this.#at);
  }

  /** A configuration was read for a request: the lines that say what is wrong with it, or none. */
  loaded(request: RequestId, problems: readonly string[]): void {
    // Before anybody connected, nobody waits for it.
    if (this.#served) this.#port.do((port) => port.loaded(request, problems));
  }

  /** The core's answer to a request. */
  reply(request: RequestId, ok: boolean, body: unknown): void {
    this.#port.do((port) => {
      if (port.reply(request, ok, body) === "reloaded") this.#say();
    });
  }

  #serve({ fd }: Listening): void {
    this.#served = true;
    this.#port.do((port) => port.serve(fd));
  }

  #say(): void {
    if (this.#at !== undefined) this.#parts.pilot.log(this.#level, `control: serving at ${this.#at.path}`, []);
  }

  #sayWhyNot(wanted: string, at: Listening, before: string | undefined): void {
    const warn = (text: string): void => this.#parts.pilot.log("warn", text, []);
    import("./control-words.ts").then(
      ({ notThere }) => warn(notThere(wanted, at, before)),
      () => warn(`control: ${wanted} cannot be used`),
    );
  }

  /** Removes the socket's file, unless somebody else has put another one there since. */
  end(): void {
    const path = this.#at?.path ?? "";
    try {
      if (lstatSync(path).ino === this.#inode) unlinkSync(path);
    } catch {
      // Gone, never there, or in a directory that has become read-only: there is nothing that we could do about it.
    }
  }
}
