/**
 * The catalog in a directory: one small JSON file an instance. Several containers of one host share it through a volume;
 * everything works with nothing else running. What counts as alive: `directory-lives.ts`.
 */
import { randomBytes } from "node:crypto";
import { lstat, mkdir, open, rename, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Dependency, Ms, Service, Status } from "../plan.ts";
import { type Backend, CatalogError, type CatalogLog, type Instance, type Watcher } from "./catalog.ts";
import { type Clock, realClock } from "./clock.ts";
import { type Entry, entryBytesMax, entryOf, fileNameOf, type Look, look, textOf } from "./directory-entry.ts";
import { Feed } from "./directory-feed.ts";
import { Lives } from "./directory-lives.ts";
import { inWords, removeAll, Strangers, scan } from "./directory-scan.ts";

const callMs: Ms = 2_000;
/** An entry whose TTL is over stays this long for whoever looks for the reason, and is then removed by whoever sees it. */
const sweepAfterMs: Ms = 600_000;

/** Of this process: an entry with another one is somebody else's, whatever its id. */
const ourselves = randomBytes(9).toString("base64url");

export interface DirectoryOptions {
  clock?: Clock;
  /** Wall clock, milliseconds since 1970. */
  wallNow?: () => number;
  owner?: string;
  sweepAfterMs?: Ms;
}

export function openDirectory(
  directory: string,
  log: (line: CatalogLog) => void,
  options: DirectoryOptions = {},
): Backend {
  return new Directory(directory, log, options);
}

class Directory implements Backend {
  readonly callMs = callMs;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #wallNow: () => number;
  readonly #owner: string;
  readonly #sweepAfterMs: Ms;
  readonly #strangers: Strangers;
  readonly #feed: Feed;
  /** Rejects the calls under way. */
  readonly #aborts = new Set<(error: CatalogError) => void>();
  /** Our files as we left them, by path: what still looks so needs no reading. */
  readonly #left = new Map<string, { text: string; ino: number; mtimeMs: number }>();
  #temporary = 0;
  #swept = false;

  constructor(directory: string, log: (line: CatalogLog) => void, options: DirectoryOptions) {
    this.#directory = directory;
    this.#clock = options.clock ?? realClock;
    this.#wallNow = options.wallNow ?? Date.now;
    this.#owner = options.owner ?? ourselves;
    this.#sweepAfterMs = options.sweepAfterMs ?? sweepAfterMs;
    this.#strangers = new Strangers(directory, log);
    this.#feed = new Feed({
      directory,
      clock: this.#clock,
      wallNow: this.#wallNow,
      sweepAfterMs: this.#sweepAfterMs,
      strangers: this.#strangers,
      log,
    });
  }

  register(service: Service, status: Status, output: string): Promise<void> {
    if (!this.#swept) this.#sweepOnce();
    return this.#bounded(this.#write(entryOf(service, status, output, this.#owner)));
  }

  update(service: Service, status: Status, output: string): Promise<void> {
    return this.#bounded(this.#renew(service, entryOf(service, status, output, this.#owner)));
  }

  deregister(service: Service): Promise<void> {
    return this.#bounded(this.#remove(service));
  }

  list({ name, tag }: Dependency): Promise<readonly Instance[]> {
    return this.#bounded(this.#read(name, tag));
  }

  watch(
    dependency: Dependency,
    seen: (instances: readonly Instance[]) => void,
    failed: (error: CatalogError) => void,
  ): Watcher {
    return this.#feed.subscribe(dependency, seen, failed);
  }

  close(): void {
    this.#feed.close();
    for (const abort of this.#aborts) abort(new CatalogError("down", "the catalog was closed"));
  }

  #pathOf(id: string): string {
    return join(this.#directory, fileNameOf(id));
  }

  /** Whole or not at all: a reader sees the old file or the new one. */
  async #write(entry: Entry): Promise<void> {
    const path = this.#pathOf(entry.id);
    const text = textOf(entry);
    if (Buffer.byteLength(text) > entryBytesMax) {
      throw new CatalogError("refused", `the entry of ${entry.id} would be larger than ${entryBytesMax} bytes`);
    }
    this.#temporary += 1;
    const aside = join(this.#directory, `.${this.#owner}-${this.#temporary}.tmp`);
    try {
      await mkdir(this.#directory, { recursive: true });
      const handle = await open(aside, "wx", 0o644);
      try {
        await handle.writeFile(text);
        // The file system's own clock may be another one; all times in here are of our wall clock.
        const mtimeMs = this.#wallNow();
        await handle.utimes(mtimeMs / 1000, mtimeMs / 1000);
        this.#left.set(path, { text, ino: (await handle.stat()).ino, mtimeMs });
      } finally {
        await handle.close();
      }
      await rename(aside, path);
    } catch (error) {
      await unlink(aside).catch(() => {
        // It was never made, or was renamed.
      });
      throw inWords("cannot write", path, error);
    }
  }

  async #renew(service: Service, wanted: Entry): Promise<void> {
    const path = this.#pathOf(service.id);
    const text = textOf(wanted);
    const same = (await this.#asWeLeftIt(path, text)) || (await this.#standing(path, service.id)) === text;
    if (!same) {
      await this.#write(wanted);
      return;
    }
    const mtimeMs = this.#wallNow();
    try {
      await utimes(path, mtimeMs / 1000, mtimeMs / 1000);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new CatalogError("lost", `${path} is not there`);
      throw inWords("cannot renew", path, error);
    }
    const left = this.#left.get(path);
    if (left !== undefined) left.mtimeMs = mtimeMs;
  }

  /** Inode and time say it: another writer would have moved both. Saves the heartbeat from reading. */
  async #asWeLeftIt(path: string, text: string): Promise<boolean> {
    const left = this.#left.get(path);
    if (left === undefined || left.text !== text) return false;
    const stat = await lstat(path).catch(() => undefined);
    return stat?.ino === left.ino && Math.abs(stat.mtimeMs - left.mtimeMs) < 1;
  }

  /** The text of our own entry; anything else that stands there rejects. */
  async #standing(path: string, id: string): Promise<string> {
    const seen = await this.#look(path);
    if (seen === undefined) throw new CatalogError("lost", `${path} is not there`);
    if (!("entry" in seen)) throw new CatalogError("lost", `${path} is no entry: ${seen.problem}`);
    const { entry, text, mtimeMs } = seen;
    if (entry.owner === this.#owner) return text;
    // The last writer wins. Fighting would move the address at each heartbeat of either.
    const alive = this.#wallNow() - mtimeMs < entry.ttlMs;
    if (alive) throw new CatalogError("refused", `${path} belongs to another instance with the id ${id}`);
    throw new CatalogError("lost", `${path} was another instance's, which has gone`);
  }

  async #remove(service: Service): Promise<void> {
    const path = this.#pathOf(service.id);
    this.#left.delete(path);
    const seen = await this.#look(path);
    if (seen === undefined || !("entry" in seen) || seen.entry.owner !== this.#owner) return;
    try {
      await unlink(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw inWords("cannot remove", path, error);
    }
  }

  async #look(path: string): Promise<Look | undefined> {
    try {
      return await look(path);
    } catch (error) {
      throw inWords("cannot read", path, error);
    }
  }

  async #read(name: string, tag: string | undefined): Promise<readonly Instance[]> {
    const found = await scan(this.#directory);
    this.#strangers.metAll(found);
    const lives = new Lives(this.#sweepAfterMs);
    const now = this.#clock.now();
    lives.setAll(found, now, this.#wallNow());
    await removeAll(this.#directory, lives.over(now));
    return lives.instances(name, tag, now);
  }

  /** A directory that outlives its containers and that nobody watches must not fill up. */
  #sweepOnce(): void {
    this.#swept = true;
    this.#read("", undefined).catch(() => {
      // What is wrong with the directory, the registration will say.
    });
  }

  /** A file system may hang (a network's that is away); the call does not. */
  #bounded<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        cancel();
        this.#aborts.delete(abort);
      };
      const abort = (error: CatalogError): void => {
        settle();
        reject(error);
      };
      const cancel = this.#clock.after(callMs, () => {
        abort(new CatalogError("down", `${this.#directory} does not answer within ${callMs} ms`));
      });
      this.#aborts.add(abort);
      call.then(resolve, reject).finally(settle);
    });
  }
}
