/**
 * Inputs, facts, effects and timers as one line of text each: for transcripts, and for a reader of the event log.
 */
import type { Effect, Ended, Fact, Input } from "../../../src/core/contract.ts";
import type { Armed } from "../../../src/core/state.ts";
import type { Entry } from "./simulation.ts";

const idWidth = 6;

/** One step as lines: `>` the input, `!` facts, `=` effects, `…` timers; `<n` is the cause. */
export function describeEntry(entry: Entry): string[] {
  const pad = " ".repeat(idWidth);
  return [
    `${`#${entry.input.id}`.padEnd(idWidth)} ${entry.at} > ${describeInput(entry.input)}`,
    ...entry.effects.map((effect) =>
      effect.t === "tell"
        ? `${`#${effect.id}`.padEnd(idWidth)}   ! ${describeFact(effect.fact)} <${effect.cause}`
        : `${pad}   = ${describeEffect(effect)} <${effect.cause}`,
    ),
    ...entry.armed.map((timer) => `${pad}   … ${describeTimer(timer)} <${timer.cause}`),
  ];
}

export function describeFact(fact: Fact): string {
  return `${fact.fact} ${fact.source}${fact.asked ? " asked" : ""}${fact.ran ? " ran" : ""}`;
}

export function describeTimer({ timer, at }: Armed): string {
  return `${timer.t}${"of" in timer ? ` ${timer.of}` : ""} ${at}`;
}

function describeEnd(how: Ended): string {
  return "code" in how ? `code ${how.code}` : `signal ${how.signal}${how.core ? " core" : ""}`;
}

function word(ok: boolean): string {
  return ok ? "ok" : "failed";
}

export function describeInput(input: Input): string {
  switch (input.t) {
    case "boot":
      return [
        "boot",
        ...(input.stop ? [`stopped by signal ${input.stop.signo}`] : []),
        ...input.adopted.map((each) => `adopted ${each.job} run ${each.run} pid ${each.pid}`),
      ].join(" ");
    case "spawned":
      return `spawned run ${input.run} pid ${input.pid}`;
    case "spawnFailed":
      return `spawnFailed run ${input.run} ${input.errno} ${input.code}`;
    case "exited":
      return `exited run ${input.run} ${describeEnd(input.how)} by ${input.by}`;
    case "groupEmpty":
      return `groupEmpty run ${input.run}`;
    case "due":
      return `due ${input.job} in ${input.in}`;
    case "ready":
      return `ready run ${input.run} through ${input.through}`;
    case "probed":
      return `probed ${input.probe} attempt ${input.attempt} ${word(input.ok)}`;
    case "watched":
      return `watched ${input.watch} revision ${input.revision} count ${input.count}${input.differs ? " differs" : ""}`;
    case "announced":
      return `announced ${input.service} attempt ${input.attempt} ${word(input.ok)}`;
    case "withdrawn":
      return `withdrawn ${input.service} ${word(input.ok)}`;
    case "forgotten":
    case "clashed":
      return `${input.t} ${input.service}`;
    case "connections":
      return `connections ${input.job} ${input.open}`;
    case "signal":
      return `signal ${input.signo} pid ${input.pid}`;
    case "asked":
      return `asked ${input.request} ${JSON.stringify(input.ask)}`;
    case "planned":
      return `planned ${input.request} ${input.plan.print}`;
    case "planRefused":
      return `planRefused ${input.request}`;
    case "swept":
      return `swept ${input.left}`;
    case "wake":
      return "wake";
    default:
      return input satisfies never;
  }
}

export function describeEffect(effect: Effect): string {
  switch (effect.t) {
    case "spawn": {
      const { run, job, probe, change, left } = effect;
      const from = change ? ` ${change.watch} ${change.from}→${change.to}` : "";
      return `spawn run ${run} ${probe ?? job}${from}${left === undefined ? "" : ` left ${left}`}`;
    }
    case "signal":
      return `signal run ${effect.run} ${effect.signo} ${effect.target}`;
    case "probe":
      return `probe ${effect.probe} attempt ${effect.attempt} timeout ${effect.timeout}`;
    case "announce":
      return `announce ${effect.service} attempt ${effect.attempt} ${effect.status}`;
    case "withdraw":
      return `withdraw ${effect.service}`;
    case "watch":
      return `watch ${effect.watch} ${effect.on ? "on" : "off"}`;
    case "count":
      return `count ${effect.job} ${effect.on ? "on" : "off"}`;
    case "cron":
      return `cron ${effect.job}`;
    case "load":
      return `load ${effect.request}`;
    case "reply":
      return `reply ${effect.request} ${word(effect.ok)}${effect.body === undefined ? "" : ` ${JSON.stringify(effect.body)}`}`;
    case "reopen":
      return "reopen";
    case "sweep":
      return `sweep ${effect.signo}`;
    case "use":
      return `use ${effect.print}`;
    case "tell":
      return `tell ${describeFact(effect.fact)}`;
    case "log": {
      const about = Object.entries(effect.about).map(([name, value]) => ` ${name}=${value}`);
      return `log ${effect.level} ${effect.code}${about.join("")}`;
    }
    case "exit":
      return `exit ${effect.code} "${effect.reason}"`;
    default:
      return effect satisfies never;
  }
}
