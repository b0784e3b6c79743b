/** `cpctl compile`: checks a configuration at an image's build and writes what the launcher may start before the runtime. */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Selector } from "../config/interfaces.ts";
import { type Attempt, attemptLoad, type LoadRequest } from "../config/load.ts";
import { Problems } from "../config/problems.ts";
import { renderText } from "../config/rendering.ts";
import type { Command, Job, Loaded } from "../plan.ts";
import { type BootFacts, BYTES_MAX, bootFile, FORMAT } from "./bootfile.ts";
import { type Environment, type EnvironmentOptions, environmentOf, UsageError } from "./environment.ts";

export interface CompileOptions extends EnvironmentOptions {
  /** The boot file; by default the configuration's path with `.boot` behind. */
  out: string | undefined;
  strict: boolean;
  colour: boolean;
}

/** Exit codes, as of `cpctl check`: done, not possible where that counts, refused. */
const DONE = 0;
const NOT_POSSIBLE = 1;
const REFUSED = 2;
/** sysexits(3). */
const EX_CANTCREAT = 73;

/** Stands for the application of the command line, which is not known yet. */
const ANY_APPLICATION = ["application"];

/**
 * @param config the file, or what `-config` takes; without one, the environment's CONTAINERPILOT counts
 */
export async function compile(
  config: string | undefined,
  options: CompileOptions,
  own: Environment,
): Promise<{ code: number; text: string; lines: readonly string[] }> {
  const env = environmentOf(options, own);
  const chosen: (readonly Selector[])[] = [];
  const request: LoadRequest = {
    config: config ?? own.CONTAINERPILOT,
    words: ANY_APPLICATION,
    env,
    hostname: hostname(),
    pid: process.pid,
    elsewhere: true,
    // No address looks like that.
    addressOf: (selectors) => `\0${chosen.push(selectors) - 1}`,
  };
  const attempt = await attemptLoad(request);
  const name = attempt.source.name;
  const out = options.out ?? (attempt.source.kind === "inline" ? undefined : `${name}.boot`);
  if (!attempt.loaded) {
    const { printTold, tellAll } = await import("../config/print.ts");
    const faults = tellAll(attempt).filter(({ level }) => level === "error");
    const lines = [...printTold(faults, { colour: options.colour, excerpt: true }), `${name}: refused`];
    return { code: REFUSED, text: lines.map((line) => `${line}\n`).join(""), lines: [] };
  }
  if (out === undefined)
    throw new UsageError("where to write the boot file of a configuration that is no file: --out FILE");
  const facts = await factsOf(attempt, attempt.loaded, env, chosen);
  const bytes = typeof facts === "string" ? undefined : bootFile(facts);
  const why = typeof facts === "string" ? facts : (bytes?.length ?? 0) > BYTES_MAX ? "it is too large" : undefined;
  if (bytes === undefined || typeof facts === "string" || why !== undefined) {
    takeAway(out);
    return { code: options.strict ? NOT_POSSIBLE : DONE, text: `${name}: no instant start: ${why}\n`, lines: [] };
  }
  const wrong = write(out, bytes);
  if (wrong !== undefined)
    return { code: EX_CANTCREAT, text: "", lines: [`cpctl: ${out}: cannot be written (${wrong})`] };
  return { code: DONE, text: `${out}: ${summaryOf(facts)}\n`, lines: [] };
}

function summaryOf({ job, words, command, read }: BootFacts): string {
  const what = words ? "the application of the command line" : `the job ${job.id} (${command.argv.join(" ")})`;
  const names = [...read.keys()].sort();
  return `${what} starts at once${names.length > 0 ? `, as long as ${names.join(", ")} are as now` : ""}`;
}

/** What the boot file is made of, or why there can be none. */
async function factsOf(
  attempt: Attempt,
  loaded: Loaded,
  env: Environment,
  chosen: readonly (readonly Selector[])[],
): Promise<BootFacts | string> {
  const { plan, deeds, dialect } = loaded;
  const job = plan.jobs.find(({ main }) => main);
  if (!job) return "no job is the main one (main: true)";
  const command = deeds.commands[job.id];
  const why = waitsFor(job) ?? cannot(command, loaded);
  if (command === undefined || why !== undefined) return why ?? `the job ${job.id} runs no program`;
  const text = textOf(attempt);
  if (text === undefined || text.includes("\0")) return "the configuration is no text";
  const read = await variablesRead(text, env);
  if (typeof read === "string") return read;
  const addresses = new Map<string, readonly Selector[]>();
  for (const [name, value] of Object.entries(deeds.environment)) {
    if (value.startsWith("\0")) addresses.set(name, chosen[Number(value.slice(1))] ?? []);
  }
  return { text, loaded, job, command, words: dialect === "v2", read, addresses };
}

/** What has to come before the job, in words. */
function waitsFor({ id, start }: Job): string | undefined {
  const { on, every, hold, quiet, splay } = start;
  if ("fact" in on && on.source === "preStart") return "preStart comes before the application";
  const atOnce = "fact" in on && on.fact === "startup" && on.source === "global";
  if (!atOnce) return `the job ${id} waits for something else (when)`;
  if (every) return `the job ${id} runs at intervals`;
  return hold || quiet > 0 || splay > 0 ? `the start of the job ${id} is put off` : undefined;
}

/** What of the job only the runtime can do. */
function cannot(command: Command | undefined, { deeds }: Loaded): string | undefined {
  if (command === undefined) return undefined;
  const { output } = deeds.logging;
  if (command.output === "log" && output !== "stdout" && output !== "stderr") {
    return `the job's lines go to a file, ${output} (logging: {raw: true} leaves them as they are)`;
  }
  if (command.attributes) return "the job has a user, limits or a directory of its own";
  return deeds.control.startsWith("/") ? undefined : `the control socket's path is relative: ${deeds.control}`;
}

/** As it is in the file: the launcher compares bytes. */
function textOf({ source, text }: Attempt): string | undefined {
  if (source.kind === "inline") return text;
  const bytes = readFileSync(source.name);
  const exact = bytes.toString();
  return Buffer.from(exact).equals(bytes) ? exact : undefined;
}

/** The variables that the template reads with this environment; in words, why they cannot be named. */
async function variablesRead(
  text: string,
  env: Environment,
): Promise<ReadonlyMap<string, string | undefined> | string> {
  const { watched, read, looked } = watch(env);
  const rendered = await renderText(text, watched, new Problems());
  if (!rendered || looked.all) return "its template goes through all variables of the environment";
  if (read.has("CONTAINERPILOT_PID")) return "its template reads CONTAINERPILOT_PID";
  return read;
}

/** An environment that notes what is read of it: by name (`read`), or all of it (`looked`). */
function watch(env: Environment): {
  watched: Environment;
  read: Map<string, string | undefined>;
  looked: { all: boolean };
} {
  const read = new Map<string, string | undefined>();
  const looked = { all: false };
  const watched = new Proxy(env, {
    getOwnPropertyDescriptor(target, name) {
      const own = Object.getOwnPropertyDescriptor(target, name);
      if (typeof name === "string") read.set(name, own?.value);
      return own;
    },
    ownKeys(target) {
      looked.all = true;
      return Object.keys(target);
    },
  });
  return { watched, read, looked };
}

/** Whole or not at all; what was wrong, or undefined. Others than its owner may not write to it, or the launcher would not believe it. */
function write(path: string, bytes: Buffer): string | undefined {
  const made = `${path}.new`;
  try {
    writeFileSync(made, bytes);
    chmodSync(made, 0o644);
    renameSync(made, path);
  } catch (error) {
    rmSync(made, { force: true });
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  return undefined;
}

/** One of an earlier configuration. What is no boot file stays. */
function takeAway(path: string): void {
  let old: Buffer;
  try {
    old = readFileSync(path);
  } catch {
    return;
  }
  if (old.subarray(0, FORMAT.length - 1).toString() === FORMAT.slice(0, -1)) rmSync(path);
}
