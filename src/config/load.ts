/** The front door of the configuration: from a `-config` value to the Plan and its deeds, or to the lines that say why not. */
import type { Loaded } from "../plan.ts";
import type { Context } from "./context.ts";
import { type Dialect, dialectOf } from "./dialect.ts";
import { type Address, type Selector, systemAddresses } from "./interfaces.ts";
import { type Problem, Problems } from "./problems.ts";
import { checkFunctions, renderText, renderWord } from "./rendering.ts";
import { readSource, type Source, sourceOf } from "./source.ts";
import { checkSize, parseConfig } from "./syntax.ts";
import type { SourceMap } from "./template/sourcemap.ts";

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
  /** For a tool that chooses later: what stands for the address of these selectors. */
  addressOf?: (selectors: readonly Selector[]) => string;
  /** In place of what the source holds by now: what an earlier runtime of this process has read there. */
  text?: string | undefined;
  /** This is not the container, so the system's addresses are not its own: what they do not match is only warned about. */
  elsewhere?: boolean;
}

/** sysexits(3). */
export const EX_NOINPUT = 66;
export const EX_CONFIG = 78;

/** `text`: as it was read, before rendering. */
export type LoadResult =
  | { ok: true; loaded: Loaded; text: string }
  | { ok: false; problems: readonly string[]; exitCode: number };

/** What was read on the way, for whoever shows the problems. */
export interface Attempt {
  source: Source;
  /** As read, before rendering; empty where it could not be read. */
  text: string;
  rendered: string;
  /** From the rendered text to the text as read. */
  map?: SourceMap;
  dialect?: Dialect;
  /** The top-level object, where the text is one. */
  raw?: Readonly<Record<string, unknown>>;
  problems: readonly Problem[];
  loaded?: Loaded;
  exitCode: number;
}

/** Loads a configuration. Never rejects, starts nothing and writes nothing. */
export async function load(request: LoadRequest): Promise<LoadResult> {
  const { attempt, problems } = await begin(request);
  const { loaded, exitCode } = attempt;
  const lines = async (level: "error" | "warning"): Promise<readonly string[]> => {
    return (await import("./print.ts")).printLines(attempt, { level });
  };
  if (!loaded) return { ok: false, problems: await lines("error"), exitCode };
  let warned: Promise<readonly string[]> | undefined;
  const warnings = (): Promise<readonly string[]> => {
    problems.settle();
    warned ??= problems.list.length === 0 ? Promise.resolve([]) : lines("warning");
    return warned;
  };
  return { ok: true, loaded: { ...loaded, warnings }, text: attempt.text };
}

/** Loads a configuration and keeps what messages about it are made from. */
export async function attemptLoad(request: LoadRequest): Promise<Attempt> {
  const { attempt, problems } = await begin(request);
  problems.settle();
  return attempt;
}

async function begin(request: LoadRequest): Promise<{ attempt: Attempt; problems: Problems }> {
  const problems = new Problems();
  const attempt = attemptRead(request, problems);
  if (!problems.refused && (await renderAttempt(attempt, templateEnv(request), problems))) {
    await decodeAttempt(attempt, request, problems);
  }
  return { attempt, problems };
}

/** Parses and decodes what was rendered. */
export async function decodeAttempt(attempt: Attempt, request: LoadRequest, problems: Problems): Promise<void> {
  const raw = await parseConfig(attempt.rendered, problems);
  if (raw === undefined) return;
  attempt.raw = raw;
  const loaded = await decode(raw, request, attempt, problems);
  if (loaded) attempt.loaded = loaded;
}

/** Reads the text, and nothing else yet. */
export function attemptRead(
  { config: flag, env, text }: Pick<LoadRequest, "config" | "env" | "text">,
  problems: Problems,
): Attempt {
  const config = flag || env.CONTAINERPILOT || "";
  const attempt: Attempt = {
    source: { kind: "inline", name: flag ? "-config" : env.CONTAINERPILOT ? "CONTAINERPILOT" : "containerpilot" },
    text: "",
    rendered: "",
    problems: problems.list,
    exitCode: EX_CONFIG,
  };
  if (config === "") {
    problems.error("no-config", []);
    return attempt;
  }
  const read =
    text === undefined
      ? readSource(config, attempt.source.name)
      : { source: sourceOf(config, attempt.source.name), text };
  attempt.source = read.source;
  if ("text" in read) {
    attempt.text = read.text;
    attempt.rendered = read.text;
    checkSize(read.text, problems);
  } else {
    problems.error("unreadable", [], { about: { errno: read.errno } });
    attempt.exitCode = EX_NOINPUT;
  }
  return attempt;
}

/** Renders the text; false: it cannot be. */
export async function renderAttempt(attempt: Attempt, env: LoadRequest["env"], problems: Problems): Promise<boolean> {
  const rendered = await renderText(attempt.text, env, problems);
  if (!rendered) return false;
  attempt.rendered = rendered.text;
  attempt.map = rendered.map;
  return true;
}

/** The environment that templates see: with the pid of this process, as the originals set it before they load. */
export function templateEnv({ env, pid }: LoadRequest): LoadRequest["env"] {
  return { ...env, CONTAINERPILOT_PID: String(pid) };
}

async function decode(
  raw: Readonly<Record<string, unknown>>,
  request: LoadRequest,
  attempt: Attempt,
  problems: Problems,
): Promise<Loaded | undefined> {
  const { words, hostname, version = "" } = request;
  const dialect = dialectOf(raw, attempt.source, words, problems);
  if (dialect === undefined) return undefined;
  attempt.dialect = dialect;
  let addresses: readonly Address[] | undefined = request.interfaces;
  const context: Context = {
    source: attempt.source,
    words,
    env: request.env,
    hostname,
    version,
    addresses: () => (addresses ??= systemAddresses()),
    addressOf: request.addressOf,
    elsewhere: request.elsewhere ?? false,
    problems,
    render: (word, more) => renderWord(word, { ...templateEnv(request), ...more }),
  };
  if (dialect === "v2") {
    await checkFunctions(attempt.text, problems);
    const { loadV2 } = await import("./v2/index.ts");
    return loadV2(raw, context);
  }
  const { loadV3 } = await import("./v3/index.ts");
  return loadV3(raw, context);
}
