export interface Bundled {
  bytes: number;
  /** Modules of Node that it requires; not those behind a dynamic import. */
  external: string[];
  /** Chunks that it may load, as file names below the output folder. */
  chunks: string[];
  /** Sources in it, relative to the repository. */
  inputs: string[];
}

/**
 * Bundles entries (file name without `.cjs` → source) and, from there on, all their chunks into `outdir`, by file name.
 * Rejects when a bundle would hold a module that it also loads as a chunk.
 */
export function bundle(what: {
  entries: Record<string, string>;
  src: string;
  outdir: string;
}): Promise<Record<string, Bundled>>;
