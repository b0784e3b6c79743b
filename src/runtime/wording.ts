import type { Effect, Fact, LogCode } from "../core/contract.ts";
import type { Command, Deeds, Loaded } from "../plan.ts";
import { EVENT_CODES } from "../telemetry/events.ts";
import type { Processes } from "./processes.ts";
import { signalName } from "./signals.ts";

export type LogEffect = Extract<Effect, { t: "log" }>;
type About = Readonly<Record<string, string | number>>;
/** undefined: nothing is said. */
type Wording = (about: About, what: Facts) => string | undefined;

/** Longest piece of a child's last words in a message. */
const LAST_LINE_MAX = 200;

/** What a message may look up besides its own facts. */
interface Facts {
  label(about: About): string;
  command(about: About): Command | undefined;
  service(about: About): string;
  lastLine(about: About): string;
  dialect: "v2" | "v3";
  whyNotStarted(about: About): string;
  /** Why a run ended, where Go's words do not say it already. */
  reason(about: About): string;
}

/**
 * The words for each message of the core. Where ContainerPilot 2.7.8 had a line that tests, dashboards and people grep for,
 * it is that line.
 */
const WORDS: Record<LogCode, Wording> = {
  stopAsked: (about) => `Stopping: ${about.signal === undefined ? "asked to" : sender(about)}.`,
  stopAskedAgain: () => "Stopping: asked again, hooks and draining are cut short.",
  // Its end has its own line, if it was not a success.
  stopMainEnded: () => undefined,
  stopSpent: (about, what) => `Stopping: ${what.label(about)} has failed for good.`,
  stopUnhealthy: (about, what) => `Stopping: ${what.label(about)} is unhealthy.`,
  stopLate: (about, what) => `Stopping: ${what.label(about)} could not start in time.`,
  stopOverBudget: (about) => `Stopping: out of time, killing what is left (${about.left}).`,
  // The sweep itself names them.
  strays: () => undefined,
  exited: exitedWords,
  spawnFailed: (about, what) => `${what.label(about)}: ${what.whyNotStarted(about)}`,
  timedOut: (about, what) => {
    const command = what.command(about);
    return `${what.label(about)} timeout after ${command?.timeoutText ?? "its time"}: '${goList(command?.argv.slice(1) ?? [])}'`;
  },
  killing: (about, what) => `killing command for ${what.label(about)}`,
  graceOver: (about, what) => `${what.label(about)} did not stop in time, sending SIGKILL.`,
  lost: (about, what) => `${what.label(about)} was killed, but its end was never seen.`,
  leftovers: (about, what) => `${what.label(about)} left processes behind that do not end.`,
  restarting: (about, what) => `Restarting ${what.label(about)} in ${about.ms} ms.`,
  gaveUp: (about, what) => `${what.label(about)} is not restarted any more.`,
  hookCut: (about) => `${about.hook} is cut short.`,
  queueFull: (about, what) => `${what.label(about)}: ${about.count} starts are waiting, further ones are dropped.`,
  startsOften: (about, what) => `${what.label(about)} was started ${about.count} times in ${about.ms} ms: a loop?`,
  waitsForUnknown: (about) => `${about.job} waits for ${about.source}, which does not exist.`,
  notInTime: (about) => `${about.job} did not start within ${about.ms} ms.`,
  adoptedUnknown: (about) => `A process of the job ${about.job}, which is not configured any more, is stopped.`,
  deregistering: (about, what) => `Deregistering service: ${what.service(about)}`,
  marking: (about, what) => `Marking for maintenance: ${what.service(about)}`,
  // The catalog's session says it, since only it knows whether it was a registration or a renewal.
  registered: () => undefined,
  withdrawGaveUp: (about, what) => `Deregistering failed: no answer for ${what.service(about)} in time`,
  clashed: (about, what) => `Another process has registered ${what.service(about)} under the same id.`,
  unhealthy: (about, what) => `${what.label(about)} is unhealthy${quoted(what.lastLine(about))}`,
  unanswered: (about, what) => `${what.label(about)} gave no answer.`,
  maintenanceOn: () => "Entering maintenance.",
  maintenanceOff: () => "Leaving maintenance.",
  reloading: () => "Reloading configuration.",
  // The reader of the configuration has said what is wrong with it.
  reloadRefused: () => "The configuration is not reloaded; the one before stays in force.",
  reloaded: (about) =>
    `Configuration reloaded: ${about.kept} kept, ${about.restarted} restarted, ${about.added} added, ${about.gone} gone.`,
  rolledBack: (about) => `${about.job} is rolled back.`,
  signalForwarded: (about) => `${signalName(Number(about.signal))} was handed to the application.`,
  signalIgnored: (about) => `${signalName(Number(about.signal))} is ignored.`,
};

/** The words of one message; undefined where nothing is to be said. */
export function wordsOf(effect: LogEffect, processes: Processes, deeds: Deeds): string | undefined {
  return WORDS[effect.code](effect.about, facts(processes, deeds));
}

/** `event: {ExitSuccess prep}`, as ContainerPilot 3 has it. */
export function eventWords({ fact, source }: Fact): string {
  return `event: {${EVENT_CODES[fact]} ${source}}`;
}

/**
 * One line of what was loaded, for the level DEBUG, beginning as the originals' line did. Unlike theirs it holds no argument
 * of a command, no variable and no token.
 */
export function loadedWords({ dialect, plan, deeds }: Loaded): string {
  const commands = Object.fromEntries(Object.entries(deeds.commands).map(([id, { argv }]) => [id, argv[0]]));
  const { services, watches, logging, catalog, telemetry } = deeds;
  const shown = { catalog: catalog.kind, logging, services, watches, telemetry, commands, jobs: plan.jobs };
  return `${dialect === "v2" ? "Loaded" : "loaded"} config: ${JSON.stringify(shown)}`;
}

function facts(processes: Processes, deeds: Deeds): Facts {
  const command = (about: About) =>
    processes.record(Number(about.run))?.command ??
    processes.failedStart(Number(about.run))?.command ??
    deeds.commands[String(about.probe ?? about.job)];
  return {
    command,
    dialect: deeds.logging.dialect,
    label: (about) => command(about)?.label ?? String(about.job),
    service: (about) => deeds.services[String(about.service)]?.name ?? String(about.service),
    lastLine: (about) => {
      const output = processes.record(Number(about.run))?.output ?? "";
      return (output.trimEnd().split("\n").at(-1) ?? "").slice(0, LAST_LINE_MAX);
    },
    reason: (about) => {
      const reason = processes.record(Number(about.run))?.reason;
      return reason?.word === "oom" ? ` (${reason.word}: ${reason.text})` : "";
    },
    whyNotStarted: (about) => {
      const failed = processes.failedStart(Number(about.run));
      if (failed === undefined) return `could not be started: ${about.errno}`;
      return failed.why;
    },
  };
}

function exitedWords(about: About, what: Facts): string {
  const label = what.label(about);
  // 2.7.8 named the application's end by Go's words alone; the last line of the log says more.
  if (label === "APP") return goStatus(about);
  const how = goStatus(about) + what.reason(about);
  // 3.8.0 has logged the lines of a job's output, and its errors quote none.
  if (what.dialect === "v3") return `${label} exited with error: ${how}`;
  if (label.startsWith("coprocess[")) return `${label} exited (${about.code ?? -1}): ${how}`;
  return `${label} failed: ${how}${quoted(what.lastLine(about))}`;
}

/** An end as Go words it. */
function goStatus(about: About): string {
  if (about.signal === undefined) return `exit status ${about.code}`;
  return `signal: ${GO_SIGNALS[Number(about.signal)] ?? `signal ${about.signal}`}`;
}

/** As Go's syscall package describes them. */
const GO_SIGNALS: Readonly<Record<number, string>> = {
  1: "hangup",
  2: "interrupt",
  3: "quit",
  4: "illegal instruction",
  5: "trace/breakpoint trap",
  6: "aborted",
  7: "bus error",
  8: "floating point exception",
  9: "killed",
  10: "user defined signal 1",
  11: "segmentation fault",
  12: "user defined signal 2",
  13: "broken pipe",
  14: "alarm clock",
  15: "terminated",
};

/** A list as Go prints it. */
function goList(words: readonly string[]): string {
  return `[${words.join(" ")}]`;
}

function quoted(line: string): string {
  return line === "" ? "" : `: ${line}`;
}

function sender(about: About): string {
  const name = signalName(Number(about.signal));
  return about.pid === 0 ? `${name} from outside of the container` : `${name} from process ${about.pid}`;
}
