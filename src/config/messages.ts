/** What each problem says: what was found, what is allowed, and a hint. Facts in, words out; positions are not known here. */
import type { Kind } from "./decode.ts";
import type { Code, Problem } from "./problems.ts";
import { kindWords, list, show, showAction } from "./show.ts";
import { hintForKey, nearest } from "./suggest.ts";

export interface Words {
  found: string;
  allowed?: string | undefined;
  hint?: string | undefined;
}

type About = Readonly<Record<string, unknown>>;

function allowedOf({ about }: Problem): string | undefined {
  const kind = about?.kind as Kind | undefined;
  return kind && kindWords(kind);
}

function last(problem: Problem): string {
  return String(problem.path.at(-1) ?? "");
}

function unknownKey(problem: Problem, dialect: "v2" | "v3"): Words {
  const known = (problem.about?.known ?? []) as readonly string[];
  const parent = problem.path.findLast((part, index) => typeof part === "string" && index < problem.path.length - 1);
  const hint = hintForKey(last(problem), parent as string | undefined, known, dialect);
  return { found: "unknown key", hint: hint ?? `known are ${list(known)}` };
}

function badWord({ found, about }: Problem): Words {
  if (about?.restarts)
    return { found: `found ${show(found)}`, allowed: 'a whole number from 0 on, "unlimited" or "never"' };
  const allowed = (about?.words ?? []) as readonly string[];
  const near = typeof found === "string" ? nearest(found, allowed) : undefined;
  return {
    found: `found ${show(found)}`,
    allowed: `one of ${list(allowed)}`,
    hint: near && `did you mean ${near}?`,
  };
}

function badInterface({ found }: Problem): Words {
  const text = String(found);
  const near = nearest(text, ["inet", "inet6"]);
  const address = /^[\d.]+$|^[\da-fA-F:]+:[\da-fA-F:]*$/.test(text);
  return {
    found: `found ${show(found)}`,
    allowed: "eth0, eth0:inet6, eth0[1], inet, inet6, 10.0.0.0/8 or static:ADDRESS",
    hint: address ? `for an address write static:${text}` : near && `did you mean ${near}?`,
  };
}

function noAddress({ found, about }: Problem): Words {
  const all = (about?.addresses ?? []) as readonly { name: string; address: string }[];
  const there = all.map(({ name, address }) => `${name} ${address}`);
  return {
    found: `none of ${list(found as readonly string[])} matches an address of this ${about?.elsewhere ? "machine" : "container"}`,
    hint: about?.elsewhere ? undefined : there.length > 0 ? `it has ${list(there)}` : "it has none at all",
  };
}

function unreadable({ about }: Problem): Words {
  const errno = String(about?.errno);
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file",
    EACCES: "permission denied",
    EISDIR: "it is a directory",
    ENOTDIR: "a part of the path is no directory",
    ENAMETOOLONG: "the name is too long",
  };
  return {
    found: `cannot be read: ${reasons[errno] ?? errno} (${errno})`,
    hint: "-config and CONTAINERPILOT take file://PATH, a path, or the JSON text itself",
  };
}

function syntax({ about, found }: Problem): Words {
  const { expected, key, extraComma } = (about ?? {}) as { expected: string; key?: string; extraComma: boolean };
  const token = String(found ?? "");
  const shown = token === "" ? "the end of the text" : /^["']/.test(token) ? token : JSON.stringify(token);
  return {
    found: `found ${shown}`,
    allowed: expected === "a value" && key !== undefined ? `a value for ${key}` : expected,
    hint: extraComma ? "Do you have an extra comma somewhere?" : undefined,
  };
}

function template(_: Problem, about: About): Words {
  const allowed = (about.allowed ?? []) as readonly string[];
  const message = String(about.message);
  const near = nearest(/ (\w+) is not defined/.exec(message)?.[1] ?? "", allowed);
  const known = allowed.length > 0 && !message.includes(";") ? `known are ${list(allowed)}` : undefined;
  return { found: `${showAction(String(about.action))}: ${message}`, hint: near ? `did you mean ${near}?` : known };
}

function missing({ about }: Problem): Words {
  if (about?.lifetime) {
    return { found: "missing", allowed: 'a duration with its unit, such as "10m"', hint: "a consul block needs it" };
  }
  return { found: "missing", allowed: allowedOf({ about } as Problem) ?? "at least one" };
}

function tooSmall(problem: Problem): Words {
  return { found: `found ${show(problem.found)}`, allowed: allowedOf(problem) };
}

/** One entry a code, so that none can be forgotten. */
const WORDS: Readonly<Record<Code, (problem: Problem, about: About, dialect: "v2" | "v3") => Words>> = {
  "no-config": () => ({
    found: "no configuration",
    hint: "give -config file://PATH (or a path, or the JSON text itself), or set the variable CONTAINERPILOT",
  }),
  unreadable,
  template,
  syntax,
  "too-deep": (_, about) => ({ found: "nested too deeply", allowed: `at most ${String(about.max)} levels` }),
  "too-big": (_, about) => ({ found: "too long", allowed: `at most ${String(about.max)} characters` }),
  "not-an-object": ({ found }) => ({
    found: `found ${show(found)} at the top level`,
    allowed: "an object with keys such as consul, services or jobs",
  }),
  "unknown-key": (problem, _, dialect) => unknownKey(problem, dialect),
  "mixed-dialects": (_, about) => ({
    found: "keys of both dialects",
    hint: `ContainerPilot 2 has ${list(about.v2 as string[])}, ContainerPilot 3 has ${list(about.v3 as string[])}: one file speaks one of them`,
  }),
  missing,
  "no-effect": (problem) => ({ found: `${last(problem)} has no effect`, hint: "the original read and overwrote it" }),
  "old-key": (problem, about) => ({
    found: `${last(problem)} is a key of Containerbuddy 1.x`,
    hint: `it still works, ${String(about.now)} is its name now`,
  }),
  "both-keys": (problem, about) => ({
    found: `both ${last(problem)} and ${String(about.wins)} are there`,
    hint: `${String(about.wins)} wins`,
  }),
  "one-of": (_, about) => ({
    found: `${list(about.keys as string[])} together`,
    allowed: "at most one of interval, once and each",
  }),
  "wrong-type": (problem) => ({
    found: `found ${show(problem.found)}`,
    allowed: allowedOf(problem),
    hint: wrapHint(problem),
  }),
  "not-a-list": (problem) => ({
    found: `${last(problem)} is ignored, as it is ${show(problem.found)}`,
    allowed: "a list of objects",
  }),
  "bad-number": (problem) => ({ found: `found ${show(problem.found)}`, allowed: allowedOf(problem) }),
  "too-small": tooSmall,
  "bad-word": badWord,
  "bad-signal": ({ found }) => ({
    found: `found ${show(found)}`,
    allowed: "the name of a signal that can be taken, such as SIGQUIT or SIGRTMIN+3",
    hint: typeof found === "string" ? nearSignal(found) : undefined,
  }),
  "odd-port": ({ found }) => ({ found: `no connection can reach port ${show(found)}`, allowed: "1 to 65535" }),
  "too-many": ({ found }, about) => ({
    found: `${show(found)} is the name of too many`,
    allowed: `at most ${String(about.max)} of one name`,
  }),
  empty: () => ({ found: "found an empty text", allowed: "a path" }),
  "two-mains": () => ({ found: "more than one job says main: true", allowed: "one" }),
  "no-main": () => ({ found: "no job says main: true", hint: "mark the job whose exit code counts" }),
  "bad-code": ({ found }) => ({ found: `found ${show(found)}`, allowed: "exit codes from 0 to 255 on both sides" }),
  "blank-name": () => ({ found: "`name` must not be blank", allowed: "a name such as my-service" }),
  "odd-name": ({ found }) => ({
    found: `${show(found)} is no name for DNS`,
    allowed: "a lower-case letter, then letters, digits and dashes",
    hint: "it is used as it is",
  }),
  "bad-name": ({ found }) => ({
    found: `found ${show(found)}`,
    allowed: "a lower-case letter, then at least one letter, digit or dash",
  }),
  "bad-duration": (problem) => ({
    found: `found ${show(problem.found)}`,
    allowed: allowedOf(problem),
    hint: durationHint(problem.found),
  }),
  "empty-command": ({ found }) => ({ found: `found ${show(found)}`, allowed: "a command with at least one word" }),
  "blank-command": () => ({ found: "the command has no program", hint: "it cannot start" }),
  "bad-interface": badInterface,
  "near-interface": ({ found }) => ({
    found: `${show(found)} is taken as the name of an interface, and there is none`,
    hint: `did you mean ${nearest(String(found), ["inet6", "inet"]) ?? "inet"}?`,
  }),
  "no-address": noAddress,
  "no-public-address": () => ({
    found: "this container has no public address",
    hint: "the ordinary rules are used: write interfaces to choose one",
  }),
  "bad-endpoint": ({ found }) => ({ found: `found ${show(found)}`, allowed: "a URL such as http://etcd:2379" }),
  "bad-metric": ({ found }, about) =>
    about.ours
      ? { found: `${show(found)} is a metric of the program itself`, allowed: "another name" }
      : { found: `${show(found)} is no name of a metric`, allowed: "letters, digits, _ and :, not a digit first" },
  "same-metric": ({ found }) => ({
    found: `${show(found)} is there already, with another help or type`,
    allowed: "one help and one type for one name",
  }),
  "health-required": () => ({ found: "no health", allowed: "a health block, since the port is advertised" }),
  "unlimited-each": () => ({ found: "unlimited restarts of a job that runs at each event", allowed: "one of the two" }),
  "not-both": (_, about) => ({ found: `${list(about.keys as string[])} together`, allowed: "one catalog" }),
  "no-catalog": (_, about) => ({
    found: "no catalog is configured",
    hint: `the directory ${String(about.path)} is used: write consul, etcd or directory`,
  }),
  "ignored-words": ({ found }) => ({
    found: `the words after the flags are ignored: ${show((found as readonly string[]).join(" "))}`,
    hint: "with ContainerPilot 3's configuration the application is a job",
  }),
  "words-unrendered": ({ found }, about) => ({
    found: `the application's word ${show(found)} cannot be rendered: ${String(about.reason)}`,
    hint: "all words are used as they are",
  }),
  "shell-syntax": (_, about) => ({
    found: `${String(about.word)} means nothing without a shell`,
    hint: 'no shell runs it: write ["sh", "-c", "…"], or a list of words',
  }),
  "shell-application": (_, about) => ({
    found: `${String(about.program)} stands between the signals and the application`,
    hint: about.program?.toString().endsWith("sh")
      ? "write exec before its command"
      : "start the program itself, such as node server.js",
  }),
  "short-ttl": ({ found }, about) => ({
    found: `a ttl of ${String(found)} s lapses between two checks of ${String(about.every)} s`,
    allowed: "twice the interval or more",
  }),
  "same-service": ({ found }) => ({
    found: `${show(found)} is there already: both are one entry in the catalog`,
    allowed: "another name or port",
  }),
  "once-changed": () => ({ found: "runs at the first change only", hint: 'for every change write each: "changed"' }),
  "once-shutdown": () => ({
    found: "nothing starts once the container shuts down",
    hint: 'to run at the stop write {source: "JOB", once: "stopping"} or "stopped"',
  }),
  "never-fires": ({ found }, about) => ({
    found: `${typeof found === "string" ? found : "this"} never starts the job`,
    hint: neverHint(found, about),
  }),
  "own-exit": ({ found }) => ({
    found: `a job is not started by its own ${String(found)}`,
    hint: "restarts is what runs it again",
  }),
  "unknown-source": ({ found }, about) => {
    const known = [...(about.sources as ReadonlyMap<string, unknown>).keys()];
    const near = nearest(String(found), known);
    const watch = known.includes(`watch.${String(found)}`) ? `watch.${String(found)}` : near;
    return { found: `${show(found)} names no job and no watch`, hint: watch && `did you mean ${watch}?` };
  },
  "repeated-key": (problem) => ({ found: `${last(problem)} is there already`, hint: "the last one counts" }),
  "dead-wait": (_, about) => ({
    found: `nothing that can happen starts it: ${String(about.reason)}`,
    hint: "it idles until the container stops",
  }),
  "global-source": ({ found }, about) => ({
    found: `${String(about.event)} never comes from ${show(found)}`,
    allowed: 'source: "global"',
  }),
};

function neverHint(found: unknown, about: About): string {
  if (about.watch) return "only watches change: the source is watch.NAME";
  if (typeof found === "string" && found.startsWith("SIG")) return `write source: "${found}" alone`;
  return typeof found === "string" ? "wait for exitFailed or stopped instead" : "write once or each with an event";
}

function wrapHint({ found, about }: Problem): string | undefined {
  const kind = about?.kind as Kind | undefined;
  const listed = kind?.t === "texts" || (kind?.t === "oneOrMore" && kind.listOnly);
  return listed && typeof found === "string" ? `write [${show(found)}]` : undefined;
}

function durationHint(found: unknown): string | undefined {
  const text = String(found);
  if (/^\d+\.\d+$/.test(text)) return `with a unit: "${text}s"`;
  const spaced = /^\s*(\d+)\s+([a-z]+)\s*$/.exec(text);
  if (spaced) return `without spaces: "${spaced[1]}${spaced[2]}"`;
  if (/^\d+d$/.test(text)) return `days are not known: "${24 * Number.parseInt(text, 10)}h"`;
  return undefined;
}

function nearSignal(found: string): string | undefined {
  const known = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGWINCH", "SIGCONT", "SIGALRM"];
  const upper = found.toUpperCase();
  const near = nearest(upper.startsWith("SIG") ? upper : `SIG${upper}`, known);
  return near && `did you mean ${near}?`;
}

export function wordsOf(problem: Problem, dialect: "v2" | "v3"): Words {
  return WORDS[problem.code](problem, problem.about ?? {}, dialect);
}
