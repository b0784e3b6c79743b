/** Where a configuration's text comes from. */
import { closeSync, openSync, readSync } from "node:fs";
import { TEXT_MAX } from "./limits.ts";
import { decodeBytes } from "./template/bytes.ts";

export interface Source {
  /** file: a `file://` URL; path: a bare path, as ContainerPilot 3 takes it; inline: the text itself. */
  kind: "file" | "path" | "inline";
  /** For messages: the path, or the name of what held the text. */
  name: string;
}

export type SourceText = { source: Source; text: string } | { source: Source; errno: string };

/**
 * Tells what a `-config` value (or the variable CONTAINERPILOT) means. A `file://` is taken off once. What begins like an
 * object, a list or a template, or has several lines, is the text itself; the rest is a path.
 */
export function sourceOf(config: string, from: string): Source {
  if (config.startsWith("file://")) return { kind: "file", name: config.slice(7) };
  if (/^\s*[{[<"]|[\r\n]/.test(config)) return { kind: "inline", name: from };
  return { kind: "path", name: config };
}

/** Reads the text; relative paths are relative to the working directory. */
export function readSource(config: string, from: string): SourceText {
  const source = sourceOf(config, from);
  if (source.kind === "inline") return { source, text: config };
  try {
    return { source, text: decodeBytes(readUpTo(source.name)) };
  } catch (error) {
    return { source, errno: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

/** A character is three bytes at most for one UTF-16 unit: what is cut off here was too long anyway. */
const BYTES_MAX = 3 * TEXT_MAX + 1;
const CHUNK_BYTES = 64 * 1024;

/** Reads a file, or what of a device without end is more than enough. */
function readUpTo(path: string): Buffer {
  const chunks: Buffer[] = [];
  const fd = openSync(path, "r");
  try {
    for (let total = 0; total < BYTES_MAX; ) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const size = readSync(fd, chunk);
      if (size === 0) break;
      chunks.push(chunk.subarray(0, size));
      total += size;
    }
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  } finally {
    closeSync(fd);
  }
}
