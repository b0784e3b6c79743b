import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Dialect } from "../../../../src/config/template/node.ts";

/** What the original did with one file in one environment; the part of expected.json that rendering is about. */
export interface CorpusCase {
  readonly id: string;
  readonly env: Readonly<Record<string, string>>;
  readonly render: {
    readonly ok: boolean;
    readonly class?: string;
    readonly text?: string;
    readonly same_as_file?: boolean;
  };
  readonly deliberate?: { readonly text?: string };
}

export interface CorpusFile {
  readonly name: string;
  readonly dialect: Dialect;
  readonly bytes: Buffer;
  readonly cases: readonly CorpusCase[];
}

interface Expected {
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly cases: readonly CorpusCase[] }>>;
}

const root = resolve(import.meta.dirname, "../../../..");

/** Where the corpus lies; undefined where there is none. */
export function corpusDirectory(): string | undefined {
  const directory = resolve(root, process.env.CONTAINERPILOT_CORPUS ?? "../shared/corpus");
  return existsSync(join(directory, "expected.json")) ? directory : undefined;
}

/** All files with their recorded renderings; a file that is not the recorded one is an error. */
export function readCorpus(directory: string): CorpusFile[] {
  const expected = JSON.parse(readFileSync(join(directory, "expected.json"), "utf8")) as Expected;
  return Object.entries(expected.files).map(([name, { sha256, cases }]) => {
    const bytes = readFileSync(join(directory, name));
    if (createHash("sha256").update(bytes).digest("hex") !== sha256)
      throw new Error(`${name} is not the recorded file`);
    return { name, dialect: name.startsWith("v2/") ? "v2" : "v3", bytes, cases };
  });
}
