import type { Effect, Ended } from "../core/contract.ts";
import type { LogLevel } from "../native/pilot.ts";
import type { JobId } from "../plan.ts";
import type { Environment } from "./environment.ts";
import { OomWatch } from "./oom.ts";
import { execReason, type Reason, type ReasonWord, reasonOf, type Sender, senderWords } from "./reason.ts";
import type { RunRecord } from "./run-record.ts";
import { signalName } from "./signals.ts";
import { writeTermination } from "./termination.ts";

/** The metric that counts ends. */
const METRIC = "containerpilot_job_ends_total";
const PID_VARIABLE = /_PID$/;

type LogEffect = Extract<Effect, { t: "log" }>;
type Note = (metric: string, value: number, labels: Readonly<Record<string, string>>) => void;

/** The core's name for each reason. */
const BY = {
  exit: "itself",
  stop: "us",
  timeout: "us",
  signal: "outside",
  oom: "oom",
  exec: "itself",
} as const satisfies Record<ReasonWord, string>;

/** Tells why processes ended, and at last why the container does. */
export class Endings {
  readonly #environment: Environment;
  readonly #note: Note;
  readonly #reasons = new Map<JobId, Reason>();
  readonly #oom = new OomWatch();
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

  /** What is remembered from here on is that of this container. */
  begin(): void {
    this.#oom.begin();
  }

  /**
   * A run's process has ended, `sender` by a signal of whom. Before anything that follows from it is done, so that hooks
   * find it in their environment.
   */
  ended(record: RunRecord, how: Ended, sender: Sender | undefined): (typeof BY)[ReasonWord] {
    const { sent, command } = record;
    record.reason = reasonOf({ label: command.label, how, sent, sender, oom: () => this.#oom.struck() });
    this.#tell(record, record.reason);
    return BY[record.reason.word];
  }

  /** One could not be started. `why`: what was wrong with it. */
  refused(run: Pick<RunRecord, "job" | "probe" | "command">, why: string, code: number): void {
    this.#tell(run, execReason(run.command.label, why, code));
  }

  #tell({ job, probe, command }: Pick<RunRecord, "job" | "probe" | "command">, reason: Reason): void {
    this.#note(METRIC, 1, { job: command.label, reason: reason.word });
    // A health check's end is no news to others.
    if (probe !== undefined) return;
    this.#reasons.set(job, reason);
    for (const name of command.pidVariables ?? []) {
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
