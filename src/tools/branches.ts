/**
 * Checks what a template can render to besides what it does render to: every outcome of its `if`, `with` and `range`. A fault
 * that only shows there says which of them lead to it.
 */
import { type Attempt, decodeAttempt, type LoadRequest, templateEnv } from "../config/load.ts";
import type { Told } from "../config/print.ts";
import { Problems } from "../config/problems.ts";
import type { Condition } from "../config/template/analyse.ts";
import type { BranchNode, Template } from "../config/template/node.ts";
import { combinations, type Outcomes } from "./combinations.ts";
import type { Environment } from "./environment.ts";

/** Stand-ins for variables that an outcome needs: what fits as a number and, where that does not, what fits as a name. */
const SAMPLES = ["1", "sample"] as const;

export interface Branches {
  /** Faults of other renderings, each once, with the conditions that lead there. */
  told: readonly Told[];
  renderings: number;
  /** Every combination was tried. */
  complete: boolean;
}

/** Conditions with the same text: the same value decides them. */
interface Choice {
  /** The action, as it stands at its first place. */
  action: string;
  nodes: Set<BranchNode>;
  variables: readonly string[];
}

export async function checkBranches(attempt: Attempt, request: LoadRequest): Promise<Branches> {
  const { parseTemplate } = await import("../config/template/template.ts");
  const { conditions } = await import("../config/template/analyse.ts");
  const parsed = parseTemplate(attempt.text, { dialect: "v3" });
  if (!parsed.ok) return { told: [], renderings: 0, complete: true };
  const { template } = parsed;
  const choices = choicesOf(attempt.text, conditions(template));
  const { list, complete } = combinations(choices.length);
  const { tellAll } = await import("../config/print.ts");
  const known = new Set(tellAll(attempt).map(keyOf));
  const told: Told[] = [];
  const faults = (outcomes: Outcomes): Promise<readonly Told[]> =>
    faultsOf(attempt, request, template, choices, outcomes);
  for (const outcomes of list) {
    for (const one of await faults(outcomes)) {
      if (known.has(keyOf(one))) continue;
      known.add(keyOf(one));
      const needed = await smallest(outcomes, async (fewer) =>
        (await faults(fewer)).some((it) => keyOf(it) === keyOf(one)),
      );
      told.push({ ...one, hint: [one.hint, leadsTo(choices, needed)].filter(Boolean).join("; ") });
    }
  }
  return { told, renderings: list.length, complete };
}

function choicesOf(text: string, found: readonly Condition[]): readonly Choice[] {
  const choices = new Map<string, Choice>();
  for (const { node, variables } of found) {
    const action = text.slice(node.span.start, node.span.end);
    const key = action.replace(/^\{\{-?\s*(else\s+)?|\s*-?\}\}$/g, "").replace(/\s+/g, " ");
    const choice = choices.get(key);
    if (choice) choice.nodes.add(node);
    else choices.set(key, { action, nodes: new Set([node]), variables });
  }
  return [...choices.values()];
}

/** One fault, whichever rendering shows it: indices of lists differ from one to another. */
function keyOf({ code, line, column, path }: Told): string {
  return `${code} ${line}:${column} ${path.replace(/\[\d+\]/g, "[]")}`;
}

/** Undecides what the fault does not need. */
async function smallest(outcomes: Outcomes, shows: (outcomes: Outcomes) => Promise<boolean>): Promise<Outcomes> {
  let needed = outcomes;
  for (const index of outcomes.keys()) {
    const fewer = needed.with(index, undefined);
    if (needed[index] !== undefined && (await shows(fewer))) needed = fewer;
  }
  return needed;
}

/**
 * The faults of one rendering. Where stand-ins for variables were needed, only what goes wrong with each of them counts, and
 * what a function of the template says to them does not.
 */
async function faultsOf(
  attempt: Attempt,
  request: LoadRequest,
  template: Template,
  choices: readonly Choice[],
  outcomes: Outcomes,
): Promise<readonly Told[]> {
  const first = await faultsWith(SAMPLES[0], attempt, request, template, choices, outcomes);
  if (first.told.length === 0 || !first.sampled) return first.told;
  const second = await faultsWith(SAMPLES[1], attempt, request, template, choices, outcomes);
  const also = new Set(second.told.map(keyOf));
  return first.told.filter((one) => also.has(keyOf(one)));
}

async function faultsWith(
  sample: string,
  attempt: Attempt,
  request: LoadRequest,
  template: Template,
  choices: readonly Choice[],
  outcomes: Outcomes,
): Promise<{ told: readonly Told[]; sampled: boolean }> {
  const { execute, loadParts } = await import("../config/template/template.ts");
  const { env, sampled } = environmentFor(templateEnv(request), choices, outcomes, sample);
  const decided = new Map<BranchNode, boolean | undefined>();
  choices.forEach(({ nodes }, index) => {
    for (const node of nodes) decided.set(node, outcomes[index]);
  });
  const parts = await loadParts(template);
  const rendered = execute(template, env, { parts, decide: (node) => decided.get(node) });
  if (!rendered.ok) return { told: [], sampled };
  const problems = new Problems();
  const { source, text, exitCode } = attempt;
  const other: Attempt = {
    source,
    text,
    exitCode,
    rendered: rendered.text,
    map: rendered.map,
    problems: problems.list,
  };
  await decodeAttempt(other, { ...request, env }, problems);
  const { tellAll } = await import("../config/print.ts");
  return { told: tellAll(other), sampled };
}

/** What an outcome that is taken reads is set, what one reads that is not taken is not, as far as that is a variable alone. */
function environmentFor(
  own: Environment,
  choices: readonly Choice[],
  outcomes: Outcomes,
  sample: string,
): { env: Environment; sampled: boolean } {
  const env: Record<string, string | undefined> = { ...own };
  choices.forEach(({ action }, index) => {
    const alone = /^\{\{-?\s*(?:else\s+)?(?:if|with|range)\s+\$?\.(\w+)\s*-?\}\}$/.exec(action)?.[1];
    if (outcomes[index] === false && alone !== undefined) delete env[alone];
  });
  let sampled = false;
  choices.forEach(({ variables }, index) => {
    for (const name of outcomes[index] ? variables : []) {
      if (env[name]) continue;
      env[name] = own[name] || sample;
      sampled ||= !own[name];
    }
  });
  return { env, sampled };
}

/** `only where {{ if .WEB }} is taken (WEB)`. */
function leadsTo(choices: readonly Choice[], outcomes: Outcomes): string {
  const parts = choices.flatMap(({ action, variables }, index) => {
    const outcome = outcomes[index];
    if (outcome === undefined) return [];
    const names = variables.length > 0 ? ` (${variables.join(", ")})` : "";
    return [`${action.replace(/\s+/g, " ")} is ${outcome ? "" : "not "}taken${names}`];
  });
  return parts.length > 0 ? `only where ${parts.join(" and ")}` : "";
}
