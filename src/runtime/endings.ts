import type { Effect } from "../core/contract.ts";
import type { LogLevel } from "../native/pilot.ts";
import type { JobId } from "../plan.ts";
import type { Environment } from "./environment.ts";
import { type Reason, type Sender, senderWords } from "./reason.ts";
import { signalName } from "./signals.ts";
import { writeTermination } from "./termination.ts";

/** The metric that counts ends. */
const METRIC = "containerpilot_job_ends_total";
const PID_VARIABLE = /_PID$/;

type LogEffect = Extract<Effect, { t: "log" }>;
type Note = (metric: string, value: number, labels: Readonly<Record<string, string>>) => void;

/** What is told about a run's end: whose it was. */
export interface Whose {
  job: JobId;
  label: string;
  /** Names of the variables for its pid; undefined for a health check, whose end is no news to others. */
  pidVariables: readonly string[] | undefined;
}

/** Tells why processes ended, and at last why the container does. */
export class Endings {
  readonly #environment: Environment;
  readonly #note: Note;
  readonly #reasons = new Map<JobId, Reason>();
  #asked: (Sender & { signal: number }) | undefined;

  constructor(environment: Environment, note: Note) {
    this.#environment = environment;
    this.#note = note;
  }

  /** A message of the core: one tells who asked for the stop. */
  hear({ code, about }: LogEffect): void {
    const { signal, pid, uid } = about;
    if (code !== "stopAsked" || signal === undefined) return;
    this.#asked ??= { signal: Number(signal), pid: Number(pid), uid: Number(uid) };
  }

  /** Before anything that follows from it is done, so that hooks find it in their environment. */
  ended({ job, label, pidVariables }: Whose, reason: Reason): void {
    this.#note(METRIC, 1, { job: label, reason: reason.word });
    if (pidVariables === undefined) return;
    this.#reasons.set(job, reason);
    for (const name of pidVariables) {
      const stem = name.replace(PID_VARIABLE, "_EXIT");
      this.#environment.set(`${stem}_REASON`, reason.word);
      this.#environment.set(`${stem}_CODE`, String(reason.code));
      this.#environment.set(`${stem}_MESSAGE`, reason.text);
    }
  }

  /** The last line of the log and the termination log. Never throws. */
  over(exit: Extract<Effect, { t: "exit" }>, line: (level: LogLevel, text: string) => void): void {
    const main = exit.main === undefined ? undefined : this.#reasons.get(exit.main);
    const hook = exit.hook === undefined ? undefined : this.#reasons.get(exit.hook);
    const decisive = hook ?? main;
    const text =
      decisive === undefined
        ? exit.reason
        : `${decisive.word}: ${[main, hook].flatMap(textOf).join("; ")}${this.#who()}`;
    const quiet = exit.code === 0 && (decisive === undefined || decisive.word === "exit");
    line(quiet ? "debug" : "info", `Exiting with ${exit.code}: ${text}`);
    writeTermination(`${text} (exit code ${exit.code})`);
  }

  #who(): string {
    if (this.#asked === undefined) return "";
    return `; asked to stop by ${signalName(this.#asked.signal)} ${senderWords(this.#asked)}`;
  }
}

function textOf(reason: Reason | undefined): string[] {
  return reason === undefined ? [] : [reason.text];
}
