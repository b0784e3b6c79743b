/** One instance as a file of the directory catalog: its name, its text, and reading it without ever blocking or trusting it. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Ms, Service, Status } from "../plan.ts";
import type { Instance } from "./catalog.ts";

/** Bounds what is read of a file that anybody who shares the directory may have put there. */
export const entryBytesMax = 65_536;
/** Shorter than NAME_MAX (255) by what `.json` and a temporary name's prefix need. */
const nameBytesMax = 200;

/** The content of a file. Written with these names, so that a person can read it. */
export interface Entry {
  id: string;
  name: string;
  address: string;
  port: number;
  tags: readonly string[];
  meta?: Readonly<Record<string, string>>;
  /** The entry counts until this long after the file's modification time. */
  ttlMs: Ms;
  status: Status;
  /** Why it is not passing. */
  output?: string;
  /** Tells entries of one id apart: who wrote it last. */
  owner: string;
}

/**
 * `<id>.json`, whatever the id: percent-encoded where a byte is not plain, never beginning with a dot (those are
 * temporary), hashed where the result would be too long for a file name.
 */
export function fileNameOf(id: string): string {
  const plain = encodeURIComponent(id.replace(/\p{Surrogate}/gu, "\ufffd")).replace(/^\./, "%2E");
  if (plain.length <= nameBytesMax) return `${plain}.json`;
  const hash = createHash("sha256").update(id).digest("hex").slice(0, 32);
  return `${plain.slice(0, nameBytesMax - 33)}-${hash}.json`;
}

export function isEntryName(file: string): boolean {
  return file.endsWith(".json") && !file.startsWith(".");
}

export function entryOf(service: Service, status: Status, output: string, owner: string): Entry {
  const { id, name, address, port, tags, meta, ttl } = service;
  return {
    id,
    name,
    address,
    port,
    tags,
    ...(meta === undefined ? {} : { meta }),
    ttlMs: ttl,
    status,
    ...(status === "passing" ? {} : { output: output.slice(0, 4096) }),
    owner,
  };
}

export function textOf(entry: Entry): string {
  return `${JSON.stringify(entry, undefined, 1)}\n`;
}

export function instanceOf({ id, name, address, port, tags }: Entry): Instance {
  return { id, name, address, port, tags };
}

/** The entry, or what is wrong with the text. */
export function parseEntry(text: string): Entry | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "not JSON";
  }
  if (typeof value !== "object" || value === null) return "not an object";
  const { id, name, address, port, tags, ttlMs, status, owner, output } = value as Record<string, unknown>;
  if (typeof id !== "string" || id === "") return "no id";
  if (typeof name !== "string" || name === "") return "no name";
  if (typeof address !== "string") return "no address";
  if (typeof port !== "number" || !Number.isInteger(port)) return "port is not a whole number";
  if (typeof ttlMs !== "number" || !(ttlMs > 0)) return "ttlMs is not a duration";
  if (status !== "passing" && status !== "warning" && status !== "critical") return "unknown status";
  return {
    id,
    name,
    address,
    port,
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [],
    ttlMs,
    status,
    ...(typeof output === "string" ? { output } : {}),
    owner: typeof owner === "string" ? owner : "",
  };
}

/** What stands in a file, or what is wrong with it. */
export type Look = { entry: Entry; text: string; mtimeMs: number } | { problem: string };

/**
 * Reads one file; undefined when it is not there. Rejects with the system's error for anything else that opening says.
 * O_NONBLOCK and O_NOFOLLOW: a FIFO would block a thread for ever (fifo(7)), a link might lead anywhere.
 */
export async function look(path: string): Promise<Look | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") return { problem: "a symbolic link" };
    if (code === "ENXIO") return { problem: "not a regular file" };
    if (code === "EACCES" || code === "EPERM") return { problem: "not readable for us" };
    throw error;
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) return { problem: "not a regular file" };
    if (stat.size > entryBytesMax) return { problem: `larger than ${entryBytesMax} bytes` };
    const text = await handle.readFile("utf8");
    const entry = parseEntry(text);
    return typeof entry === "string" ? { problem: entry } : { entry, text, mtimeMs: stat.mtimeMs };
  } finally {
    await handle.close();
  }
}
