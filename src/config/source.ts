/** Where a configuration's text comes from. */
import { readFileSync } from "node:fs";
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
    return { source, text: decodeBytes(readFileSync(source.name)) };
  } catch (error) {
    return { source, errno: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}
