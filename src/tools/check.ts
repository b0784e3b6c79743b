/** `cpctl check`: everything that is wrong with a configuration, or might be, without starting anything. */
import { hostname } from "node:os";
import { DEPTH_MAX } from "../config/limits.ts";
import { type Attempt, attemptLoad, type LoadRequest } from "../config/load.ts";
import type { Path } from "../config/problems.ts";
import { type Environment, type EnvironmentOptions, environmentOf } from "./environment.ts";
import { type Summary, summaryOf } from "./summary.ts";
import { deadWaits } from "./waits.ts";

export interface CheckOptions extends EnvironmentOptions {
  json: boolean;
  strict: boolean;
  allBranches: boolean;
  colour: boolean;
}

export interface Output {
  code: number;
  text: string;
}

/** Exit codes: right, warnings where they count, refused. */
const CLEAN = 0;
const WARNED = 1;
const REFUSED = 2;

/**
 * @param config the file, or what `-config` takes; without one, the environment's CONTAINERPILOT counts
 * @param words the application's words, where ContainerPilot 2 would be given some
 */
export async function check(
  config: string | undefined,
  words: readonly string[],
  options: CheckOptions,
  own: Environment,
): Promise<Output> {
  const env = environmentOf(options, own);
  const request: LoadRequest = {
    config: config ?? own.CONTAINERPILOT,
    words,
    env,
    hostname: hostname(),
    pid: process.pid,
    elsewhere: true,
  };
  const attempt = await attemptLoad(request);
  addToolProblems(attempt, await repeatedKeys(attempt));
  const branches = options.allBranches
    ? await (await import("./branches.ts")).checkBranches(attempt, request)
    : undefined;
  const { printTold, tellAll } = await import("../config/print.ts");
  const told = [...tellAll(attempt), ...(branches?.told ?? [])];
  const errors = told.filter(({ level }) => level === "error").length;
  const warnings = told.length - errors;
  const code = errors > 0 ? REFUSED : warnings > 0 && options.strict ? WARNED : CLEAN;
  const summary = attempt.loaded && summaryOf(attempt.loaded);
  const file = attempt.source.name;
  const tried = branches && { renderings: branches.renderings, complete: branches.complete };
  if (options.json) {
    const report = {
      file,
      ok: errors === 0,
      problems: told,
      ...(summary && { summary }),
      ...(tried && { branches: tried }),
    };
    return { code, text: `${JSON.stringify(report, null, 2)}\n` };
  }
  const lines = printTold(told, { colour: options.colour, excerpt: true });
  const counts = [count(errors, "error"), count(warnings, "warning")].filter(Boolean).join(", ");
  lines.push(`${file}: ${errors > 0 ? "refused" : "right"}${counts && `, ${counts}`}${branchWords(tried)}`);
  if (errors === 0 && summary) lines.push(...summaryLines(summary));
  return { code, text: lines.map((line) => `${line}\n`).join("") };
}

function count(number: number, what: string): string {
  return number === 0 ? "" : `${number} ${what}${number === 1 ? "" : "s"}`;
}

function branchWords(tried: { renderings: number; complete: boolean } | undefined): string {
  if (!tried) return "";
  return `; ${count(tried.renderings, "rendering")} tried${tried.complete ? "" : ", which are not all"}`;
}

function summaryLines({ dialect, jobs, services, watches, catalog, ends }: Summary): string[] {
  const name = dialect === "v2" ? "ContainerPilot 2" : "ContainerPilot 3";
  const parts = [
    count(jobs, "job"),
    services.length > 0 ? `advertises ${services.join(", ")}` : "advertises nothing",
    ...(watches.length > 0 ? [`watches ${watches.join(", ")}`] : []),
    catalog,
  ];
  return [`  ${name}: ${parts.join("; ")}`, ...ends.map(({ when, code }) => `  when ${when}: exit code ${code}`)];
}

type Extra = readonly { key: string; offset: number }[];

/** Keys that stand twice in one object, which the fast reader of the init does not see. */
async function repeatedKeys({ rendered, raw }: Attempt): Promise<Extra> {
  if (raw === undefined) return [];
  const { findRepeated } = await import("../config/json5.ts");
  return findRepeated(rendered, DEPTH_MAX);
}

/** What only this tool looks for. */
function addToolProblems(attempt: Attempt, repeated: Extra): void {
  const found = [...attempt.problems];
  for (const { key, offset } of repeated) found.push({ code: "repeated-key", level: "warning", path: [key], offset });
  if (attempt.loaded?.dialect === "v3") {
    for (const { job, reason } of deadWaits(attempt.loaded.plan)) {
      const path = pathOfJob(attempt, job);
      const told = found.some(
        (problem) => path.every((part, index) => problem.path[index] === part) && isWait(problem.code),
      );
      if (!told) found.push({ code: "dead-wait", level: "warning", path: [...path, "when"], about: { reason } });
    }
  }
  attempt.problems = found;
}

/** These say the same of a job already, and more exactly. */
function isWait(code: string): boolean {
  return ["unknown-source", "never-fires", "global-source", "own-exit", "once-shutdown"].includes(code);
}

/** Jobs stand in the Plan in the file's order, without its nulls. */
function pathOfJob({ raw, loaded }: Attempt, id: string): Path {
  const index = loaded?.plan.jobs.findIndex((job) => job.id === id) ?? -1;
  const jobs = (raw?.jobs ?? []) as readonly unknown[];
  const places = jobs.flatMap((job, place) => (job === null ? [] : [place]));
  return ["jobs", places[index] ?? 0];
}
