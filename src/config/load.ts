/** The front door of the configuration: from a `-config` value to the Plan and its deeds, or to the lines that say why not. */
import type { Loaded } from "../plan.ts";
import type { Context } from "./context.ts";
import { dialectOf } from "./dialect.ts";
import { type Address, systemAddresses } from "./interfaces.ts";
import { type Problem, Problems } from "./problems.ts";
import { readSource, type Source } from "./source.ts";
import { parseConfig } from "./syntax.ts";
import { loadV2 } from "./v2/index.ts";

export interface LoadRequest {
  /** The flag's value; without one, the environment's CONTAINERPILOT counts. */
  config?: string | undefined;
  /** Application words of the command line. */
  words: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  hostname: string;
  pid: number;
  /** The program's own version. */
  version?: string;
  /** For tests: the container's addresses instead of the system's. */
  interfaces?: readonly Address[];
}

/** Exit codes as `sysexits.h` names them. */
export const EX_NOINPUT = 66;
export const EX_CONFIG = 78;

export type LoadResult = { ok: true; loaded: Loaded } | { ok: false; problems: readonly string[]; exitCode: number };

/** What was read on the way, for whoever shows the problems. */
export interface Attempt {
  source: Source;
  /** As read, before rendering; empty where it could not be read. */
  text: string;
  rendered: string;
  problems: readonly Problem[];
  loaded?: Loaded;
  exitCode: number;
}

/** Loads a configuration. Never rejects, starts nothing and writes nothing. */
export async function load(request: LoadRequest): Promise<LoadResult> {
  const attempt = await attemptLoad(request);
  const { problems, loaded, exitCode } = attempt;
  if (problems.length === 0 && loaded) return { ok: true, loaded };
  const { printLines } = await import("./print.ts");
  if (!loaded) return { ok: false, problems: printLines(attempt, { level: "error" }), exitCode };
  return { ok: true, loaded: { ...loaded, warnings: printLines(attempt, { level: "warning" }) } };
}

export async function attemptLoad(request: LoadRequest): Promise<Attempt> {
  const problems = new Problems();
  const config = request.config || request.env.CONTAINERPILOT || "";
  const from = request.config ? "-config" : "CONTAINERPILOT";
  const attempt = { source: { kind: "inline", name: from } as Source, text: "", rendered: "", exitCode: EX_CONFIG };
  const end = (loaded?: Loaded): Attempt => ({ ...attempt, problems: problems.list, ...(loaded && { loaded }) });
  if (config === "") {
    problems.error("no-config", []);
    return end();
  }
  const read = readSource(config, from);
  attempt.source = read.source;
  if ("errno" in read) {
    problems.error("unreadable", [], { found: read.source.name, about: { errno: read.errno, kind: read.source.kind } });
    attempt.exitCode = EX_NOINPUT;
    return end();
  }
  attempt.text = read.text;
  attempt.rendered = read.text;
  const raw = await parseConfig(attempt.rendered, problems);
  if (raw === undefined) return end();
  return end(await decode(raw, read.source, request, problems));
}

async function decode(
  raw: Readonly<Record<string, unknown>>,
  source: Source,
  request: LoadRequest,
  problems: Problems,
): Promise<Loaded | undefined> {
  const dialect = dialectOf(raw, source, request.words, problems);
  if (dialect === undefined) return undefined;
  let addresses: readonly Address[] | undefined = request.interfaces;
  const context: Context = {
    source,
    words: request.words,
    env: request.env,
    hostname: request.hostname,
    version: request.version ?? "",
    addresses: () => (addresses ??= systemAddresses()),
    problems,
    render: (word) => Promise.resolve(word),
  };
  if (dialect === "v2") return loadV2(raw, context);
  const { loadV3 } = await import("./v3/index.ts");
  return loadV3(raw, context);
}
