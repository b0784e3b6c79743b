/** Reading the whole directory, and what is said about files in it that are no entries. */
import { readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { CatalogError, type CatalogLog } from "./catalog.ts";
import { isEntryName, type Look, look } from "./directory-entry.ts";

/** Files read at the same time. */
const readersMax = 32;
/** Most files that are remembered as no entries. */
const strangersMax = 1000;

/** A system call's failure in words: what was tried, where, and what the system said. */
export function inWords(what: string, path: string, error: unknown): CatalogError {
  const { code = "", message = String(error) } = error as NodeJS.ErrnoException;
  // Node words it `CODE: text, call 'path'`.
  const text = /^[A-Z0-9]+: ([^,]*)/.exec(message)?.[1] ?? message;
  const passing = ["EIO", "ESTALE", "EMFILE", "ENFILE", "EAGAIN", "ENOMEM", "ETIMEDOUT"].includes(code);
  return new CatalogError(passing ? "down" : "refused", `${what} ${path}: ${text}${code ? ` (${code})` : ""}`);
}

/** Warns once of each file that is no entry, and again when something else is wrong with it. */
export class Strangers {
  readonly #directory: string;
  readonly #log: (line: CatalogLog) => void;
  readonly #known = new Map<string, string>();

  constructor(directory: string, log: (line: CatalogLog) => void) {
    this.#directory = directory;
    this.#log = log;
  }

  /** What one file was found to be; undefined: it is not there. */
  met(name: string, seen: Look | undefined): void {
    if (seen === undefined || "entry" in seen) this.#known.delete(name);
    else if (this.#known.get(name) !== seen.problem && this.#known.size < strangersMax) {
      this.#known.set(name, seen.problem);
      const path = join(this.#directory, name);
      this.#log({ level: "warn", message: `${path} is not an entry of the catalog and is skipped: ${seen.problem}` });
    }
  }

  /** All files of the directory. */
  metAll(found: ReadonlyMap<string, Look>): void {
    for (const name of this.#known.keys()) if (!found.has(name)) this.#known.delete(name);
    for (const [name, seen] of found) this.met(name, seen);
  }
}

/** All files of the directory that may be entries; a directory that is not there has none. Rejects with CatalogError. */
export async function scan(directory: string): Promise<Map<string, Look>> {
  const found = new Map<string, Look>();
  const names = (await namesIn(directory)).filter(isEntryName);
  async function reader(): Promise<void> {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const path = join(directory, name);
      try {
        const seen = await look(path);
        if (seen !== undefined) found.set(name, seen);
      } catch (error) {
        throw inWords("cannot read", path, error);
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(readersMax, names.length) }, reader));
  return found;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw inWords("cannot read", directory, error);
  }
}

/**
 * Removes entries that nobody has renewed for long. An owner that only slept finds its entry gone at its next heartbeat
 * and registers again.
 */
export async function removeAll(directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await unlink(join(directory, name)).catch(() => {
      // Somebody else was quicker, or we may not: it stays out of every list either way.
    });
  }
}
