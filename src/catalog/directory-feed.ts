/**
 * The directory watched with inotify for all queries at once. Idle, it costs nothing but a look at each watched entry
 * once a TTL: heartbeats of entries that are known to be alive are not even read.
 */
import { type FSWatcher, watch } from "node:fs";
import { mkdir, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Dependency, Ms } from "../plan.ts";
import { asCatalogError, type CatalogError, type CatalogLog, type Instance, type Watcher } from "./catalog.ts";
import { backoff, type Clock } from "./clock.ts";
import { isEntryName, look } from "./directory-entry.ts";
import { Lives } from "./directory-lives.ts";
import { inWords, removeAll, type Strangers, scan } from "./directory-scan.ts";
import { sameLists } from "./instances.ts";

/** Events of one write come together, and several writes at once are one change. */
const debounceMs: Ms = 5;
/** From so many changed files on, all are read; also covers what the kernel's queue (16384, inotify(7)) may have lost. */
const namesMax = 256;
const retryFirstMs: Ms = 100;
const retryMaxMs: Ms = 2_000;
/** Shortest interval of reading where inotify does not work. */
const pollMinMs: Ms = 250;
/** File systems whose changes by others inotify does not see (statfs(2)): NFS, SMB, SMB2, CIFS, FUSE, 9P. */
const remoteTypes = new Set([0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x65735546, 0x01021997]);

interface Subscriber {
  dependency: Dependency;
  seen: (instances: readonly Instance[]) => void;
  failed: (error: CatalogError) => void;
  told: readonly Instance[] | undefined;
  failing: boolean;
}

export interface Surroundings {
  directory: string;
  clock: Clock;
  wallNow: () => number;
  sweepAfterMs: Ms;
  strangers: Strangers;
  log: (line: CatalogLog) => void;
}

export class Feed {
  readonly #around: Surroundings;
  readonly #lives: Lives;
  readonly #subscribers = new Set<Subscriber>();
  #watcher: FSWatcher | undefined;
  /** What is to be read: the directory armed anew and all of it, all of it, or these files. */
  #todo: { arm: boolean; all: boolean; names: Set<string> } = { arm: true, all: true, names: new Set() };
  #busy = false;
  /** True once the directory was read. */
  #ready = false;
  #failures = 0;
  #polls = false;
  #cancelSoon: (() => void) | undefined;
  #cancelExpiry: (() => void) | undefined;
  #cancelPoll: (() => void) | undefined;
  #saidThatItPolls = false;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#lives = new Lives(around.sweepAfterMs);
  }

  subscribe(dependency: Dependency, seen: Subscriber["seen"], failed: Subscriber["failed"]): Watcher {
    const subscriber: Subscriber = { dependency, seen, failed, told: undefined, failing: false };
    this.#subscribers.add(subscriber);
    this.#soon(0);
    return {
      close: () => {
        if (this.#subscribers.delete(subscriber) && this.#subscribers.size === 0) this.close();
      },
    };
  }

  /** Back to where it was before the first subscriber. */
  close(): void {
    this.#subscribers.clear();
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#todo = { arm: true, all: true, names: new Set() };
    this.#ready = false;
    this.#cancelSoon?.();
    this.#cancelSoon = undefined;
    this.#cancelExpiry?.();
    this.#cancelPoll?.();
  }

  #soon(ms: Ms): void {
    if (this.#busy || this.#cancelSoon !== undefined) return;
    this.#cancelSoon = this.#around.clock.after(ms, () => {
      this.#cancelSoon = undefined;
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#busy = true;
    let wait: Ms = debounceMs;
    try {
      await this.#read();
      this.#failures = 0;
    } catch (error) {
      wait = backoff(this.#around.clock, this.#failures, retryFirstMs, retryMaxMs);
      this.#failures += 1;
      this.#todo.arm = true;
      this.#fail(asCatalogError(error));
    }
    this.#busy = false;
    if (this.#subscribers.size > 0 && this.#failures === 0) this.#deliver();
    if (this.#subscribers.size === 0) return;
    if (this.#todo.arm || this.#todo.all || this.#todo.names.size > 0) this.#soon(wait);
  }

  async #read(): Promise<void> {
    const { directory, clock, wallNow, strangers } = this.#around;
    const { arm, all, names } = this.#todo;
    this.#todo = { arm: false, all: false, names: new Set() };
    if (arm) await this.#arm();
    if (arm || all) {
      const found = await scan(directory);
      strangers.metAll(found);
      this.#lives.setAll(found, clock.now(), wallNow());
      this.#ready = true;
    } else await this.#readSome(names);
    await removeAll(directory, this.#lives.over(clock.now()));
  }

  async #readSome(names: ReadonlySet<string>): Promise<void> {
    const { directory, clock, wallNow, strangers } = this.#around;
    for (const name of names) {
      const path = join(directory, name);
      const seen = await look(path).catch((error: unknown) => {
        throw inWords("cannot read", path, error);
      });
      strangers.met(name, seen);
      this.#lives.set(name, seen, clock.now(), wallNow());
    }
  }

  /** Watches before it reads, so that nothing falls between. */
  async #arm(): Promise<void> {
    const { directory } = this.#around;
    this.#watcher?.close();
    this.#watcher = undefined;
    await mkdir(directory, { recursive: true }).catch((error: unknown) => {
      throw inWords("cannot create", directory, error);
    });
    const remote = remoteTypes.has((await statfs(directory)).type);
    if (this.#subscribers.size === 0) return;
    try {
      this.#watcher = watch(directory, (event, name) => this.#event(event, name));
      this.#watcher.on("error", () => this.#again());
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      // inotify(7): no instance left, no watch left, or not there at all. Reading in intervals still works.
      if (!["EMFILE", "ENFILE", "ENOSPC", "ENOSYS"].includes(code)) throw inWords("cannot watch", directory, error);
    }
    this.#polls = remote || this.#watcher === undefined;
    if (this.#polls && !this.#saidThatItPolls) {
      this.#saidThatItPolls = true;
      const why = remote
        ? "is on a file system that does not tell of changes"
        : "cannot be watched (inotify is used up)";
      this.#around.log({ level: "warn", message: `${directory} ${why}: it is read once a poll interval` });
    }
  }

  #again(): void {
    this.#todo.arm = true;
    this.#soon(debounceMs);
  }

  #event(event: "rename" | "change", name: string | null): void {
    const { directory, clock } = this.#around;
    // The directory itself: removed, moved, or another mode. A watch stays with the inode, not with the path.
    if (name === null || name === basename(directory)) this.#again();
    if (name === null || !isEntryName(name)) return;
    // Files are replaced, never rewritten, so a change of one that is alive is its heartbeat.
    if (event === "change" && this.#lives.isAlive(name, clock.now())) return;
    const { names } = this.#todo;
    if (names.size < namesMax) names.add(name);
    else this.#todo.all = true;
    this.#soon(debounceMs);
  }

  #deliver(): void {
    const now = this.#around.clock.now();
    for (const subscriber of [...this.#subscribers]) {
      const { dependency, told, failing } = subscriber;
      if (!this.#ready || !this.#subscribers.has(subscriber)) continue;
      const list = this.#lives.instances(dependency.name, dependency.tag, now);
      if (told !== undefined && !failing && sameLists(told, list)) continue;
      subscriber.told = list;
      subscriber.failing = false;
      subscriber.seen(list);
    }
    this.#lookLater(now);
  }

  #fail(error: CatalogError): void {
    for (const subscriber of [...this.#subscribers]) {
      if (!this.#subscribers.has(subscriber)) continue;
      subscriber.failing = true;
      subscriber.failed(error);
    }
  }

  /** One timer for the earliest end, and one where the directory must be read in intervals. */
  #lookLater(now: Ms): void {
    const { clock } = this.#around;
    this.#cancelExpiry?.();
    this.#cancelPoll?.();
    if (this.#subscribers.size === 0) return;
    const dependencies = [...this.#subscribers].map(({ dependency }) => dependency);
    const names = new Set(dependencies.map(({ name }) => name));
    const { next } = this.#lives.looks(names, now);
    if (Number.isFinite(next)) {
      this.#cancelExpiry = clock.after(Math.ceil(next - now), () => {
        for (const file of this.#lives.looks(names, clock.now()).due) this.#todo.names.add(file);
        if (this.#todo.names.size > 0) this.#soon(0);
        else this.#lookLater(clock.now());
      });
    }
    if (!this.#polls) return;
    const poll = Math.max(pollMinMs, Math.min(...dependencies.map((dependency) => dependency.poll)));
    this.#cancelPoll = clock.after(poll, () => {
      this.#todo.all = true;
      if (this.#watcher === undefined) this.#todo.arm = true;
      this.#soon(0);
    });
  }
}
