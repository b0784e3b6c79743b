/**
 * Transcripts: a text with a Plan, a world and timed inputs, and beneath each input what the core made of it.
 *
 *   Title and comment, up to the first line that begins with `plan`.
 *   plan { … }              the description of plans.ts, over as many lines as it takes
 *   plan NAME { … }         another one, for `planned REQUEST NAME`
 *   world …                 how the world behaves, see `worldLine`
 *   1000 signal 15          at 1000 ms this input is given
 *     #7     1000 > …       what came of it, and of the deadlines and answers before it (written by the runner)
 *
 * Inputs: `boot [adopted JOB RUN]…`, `boot stopped N`, `exited NAME END [by WHOM]`, `groupEmpty NAME`, `ready NAME`, `due JOB MS`,
 * `probed PROBE ok|failed`, `watched WATCH REVISION COUNT [same]`, `forgotten|clashed|withdrawn SERVICE`,
 * `connections JOB OPEN`, `signal N`, `asked REQUEST JSON`, `planned REQUEST NAME`, `planRefused REQUEST`, `wake`,
 * `until` (only time passes), `explain JOB`. NAME is a job or probe, meaning its latest run; END is a code or `signal N`.
 * Steps without any consequence are left out.
 */
import type { Ended } from "../../../src/core/contract.ts";
import { explain } from "../../../src/core/explain.ts";
import type { Plan } from "../../../src/plan.ts";
import { describeEntry } from "./describe.ts";
import { planOf } from "./plans.ts";
import { Simulation, type Unnumbered } from "./simulation.ts";
import { type Behaviour, newRules, type Rules, World } from "./world.ts";

interface Script {
  /** All lines up to the first input, as they are. */
  head: string[];
  plans: Map<string, Plan>;
  rules: Rules;
  commands: string[];
}

function parse(text: string): Script {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => /^\d/.test(line));
  const head = lines.slice(0, first < 0 ? lines.length : first);
  const script: Script = { head, plans: new Map(), rules: newRules(), commands: [] };
  const source = head.join("\n");
  for (const [, name, json] of source.matchAll(/^plan(?: (\w+))? (\{[\s\S]*?^\}|\{.*\})$/gm)) {
    script.plans.set(name ?? "", planOf(JSON.parse(json ?? "")));
  }
  for (const line of head) if (line.startsWith("world ")) worldLine(script.rules, line.split(" ").slice(1));
  script.commands = lines.slice(head.length).filter((line) => /^\d/.test(line));
  return script;
}

function endOf(words: readonly string[]): Ended {
  return words[0] === "signal" ? { signal: Number(words[1]), core: false } : { code: Number(words[0]) };
}

/**
 * `announced|withdrawn MS [failed]` or `never`; `swept N…`; `NAME runs MS END`: ends by itself; `NAME stops MS END`: after a
 * stop signal; `NAME missing ENOENT 127`; `NAME group MS|never`; `NAME unkillable`.
 */
function worldLine(rules: Rules, words: readonly string[]): void {
  const [name = "", verb = "", ...rest] = words;
  if (name === "announced" || name === "withdrawn") {
    rules[name] = verb === "never" ? undefined : { after: Number(verb), ok: rest[0] !== "failed" };
    return;
  }
  if (name === "swept") {
    rules.swept = words.slice(1).map(Number);
    return;
  }
  const behaviour: Behaviour = rules.behaviours.get(name) ?? {};
  rules.behaviours.set(name, behaviour);
  if (verb === "runs" || verb === "stops") behaviour[verb] = { after: Number(rest[0]), how: endOf(rest.slice(1)) };
  else if (verb === "missing") behaviour.missing = { errno: rest[0] ?? "", code: rest[1] === "126" ? 126 : 127 };
  else if (verb === "group") behaviour.group = rest[0] === "never" ? "never" : Number(rest[0]);
  else if (verb === "unkillable") behaviour.unkillable = true;
  else throw new Error(`no such behaviour: ${words.join(" ")}`);
}

class Player {
  readonly #script: Script;
  readonly #world: World;
  readonly #simulation: Simulation;
  readonly #lines: string[] = [];
  #shown = 0;

  constructor(script: Script) {
    this.#script = script;
    this.#world = new World(script.rules);
    this.#simulation = new Simulation((effect) => this.#world.answer(effect));
  }

  play(): string[] {
    for (const command of this.#script.commands) {
      this.#lines.push(command);
      const [at, verb = "", ...words] = command.split(" ");
      if (verb === "explain") {
        this.#simulation.advance(Number(at));
        this.#show();
        this.#lines.push(...explain(this.#simulation.state, words[0] ?? "").map((line) => `    | ${line}`));
      } else if (verb === "until") this.#simulation.advance(Number(at));
      else if (verb === "exited") this.#exited(Number(at), words);
      else this.#simulation.give(Number(at), this.#input(verb, words));
      this.#show();
    }
    return this.#lines;
  }

  #exited(at: number, words: readonly string[]): void {
    this.#simulation.advance(at);
    const run = this.#world.run(words[0] ?? "");
    const by = words.indexOf("by");
    const how = endOf(words.slice(1, by < 0 ? undefined : by));
    this.#simulation.give(at, { t: "exited", run, how, by: by < 0 ? "itself" : (words[by + 1] as "us") });
    for (const { after, input } of this.#world.ended(run, 0)) {
      if (after === 0) this.#simulation.give(at, input);
      else throw new Error(`say groupEmpty of ${words[0]} in the script, its end is there too`);
    }
  }

  #input(verb: string, words: readonly string[]): Unnumbered {
    const [name = "", ...rest] = words;
    const ok = rest[0] !== "failed";
    switch (verb) {
      case "boot":
        return this.#boot(words);
      case "groupEmpty":
        return { t: "groupEmpty", run: this.#world.run(name) };
      case "ready":
        return { t: "ready", run: this.#world.run(name), through: "notify" };
      case "due":
        return { t: "due", job: name, in: Number(rest[0]) };
      case "probed": {
        const [own] = [...this.#simulation.state.jobs.values()].filter((job) =>
          job.probes.some((state) => state.probe.id === name),
        );
        const attempt = own?.probes.find((state) => state.probe.id === name)?.attempt ?? 0;
        return { t: "probed", probe: name, attempt, ok };
      }
      case "watched": {
        const [revision, count, same] = rest;
        return {
          t: "watched",
          watch: name,
          revision: Number(revision),
          count: Number(count),
          differs: same !== "same",
        };
      }
      case "forgotten":
      case "clashed":
        return { t: verb, service: name };
      case "withdrawn":
        return { t: "withdrawn", service: name, ok };
      case "connections":
        return { t: "connections", job: name, open: Number(rest[0]) };
      case "signal":
        return { t: "signal", signo: Number(name), pid: 0, uid: 0 };
      case "asked":
        return { t: "asked", request: Number(name), ask: JSON.parse(rest.join(" ")) };
      case "planned":
        return { t: "planned", request: Number(name), plan: this.#plan(rest[0] ?? "") };
      case "planRefused":
        return { t: "planRefused", request: Number(name) };
      case "wake":
        return { t: "wake" };
      default:
        throw new Error(`no such input: ${verb}`);
    }
  }

  #boot(words: readonly string[]): Unnumbered {
    if (words[0] === "stopped") {
      const stop = { signo: Number(words[1]), pid: 0, uid: 0 };
      return { t: "boot", plan: this.#plan(""), seed: 1, adopted: [], stop };
    }
    const adopted = [];
    for (let at = 0; at < words.length; at += 3) {
      const [, job = "", run] = words.slice(at);
      this.#world.adopt(Number(run), job);
      adopted.push({ run: Number(run), job, pid: 100 + Number(run), age: 60_000 });
    }
    return { t: "boot", plan: this.#plan(""), seed: 1, adopted };
  }

  #plan(name: string): Plan {
    const plan = this.#script.plans.get(name);
    if (!plan) throw new Error(`no plan ${name || "in this file"}`);
    return plan;
  }

  #show(): void {
    const { entries } = this.#simulation;
    for (const entry of entries.slice(this.#shown)) {
      if (entry.effects.length === 0 && entry.armed.length === 0) continue;
      this.#lines.push(...describeEntry(entry).map((line) => `  ${line}`));
    }
    this.#shown = entries.length;
  }
}

/** The text with its outputs as the core gives them now. */
export function rewrite(text: string): string {
  const script = parse(text);
  return `${[...script.head, ...new Player(script).play()].join("\n").trimEnd()}\n`;
}
