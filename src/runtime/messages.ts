import type { Fact } from "../core/contract.ts";
import type { LogLevel, Pilot } from "../native/pilot.ts";
import type { Deeds, Loaded } from "../plan.ts";
import { Lazy } from "./lazy.ts";
import type { Processes } from "./processes.ts";
import type { LogEffect } from "./wording.ts";

/** Writes the core's messages to the log. The words are loaded with the first one. */
export class Messages {
  readonly #log: Pilot["log"];
  readonly #processes: Processes;
  readonly #wording: Lazy<typeof import("./wording.ts")>;

  constructor(log: Pilot["log"], processes: Processes) {
    this.#log = log;
    this.#processes = processes;
    this.#wording = new Lazy(
      () => import("./wording.ts"),
      (error) => this.line("error", `the words of messages cannot be loaded: ${String(error)}`),
    );
  }

  line(level: LogLevel, text: string): void {
    this.#log(level, text, []);
  }

  say(effect: LogEffect, deeds: Deeds): void {
    this.#wording.do(({ wordsOf }) => {
      const text = wordsOf(effect, this.#processes, deeds);
      if (text !== undefined) this.line(effect.level, text);
    });
  }

  /** ContainerPilot 3 has a line for each event, at the level DEBUG. */
  told(fact: Fact, { dialect, deeds }: Loaded): void {
    if (dialect !== "v3" || deeds.logging.level !== "debug") return;
    this.#wording.do(({ eventWords }) => this.line("debug", eventWords(fact)));
  }

  loaded(loaded: Loaded): void {
    if (loaded.deeds.logging.level === "debug")
      this.#wording.do(({ loadedWords }) => this.line("debug", loadedWords(loaded)));
    void loaded.warnings().then((lines) => {
      for (const warning of lines) this.line("warn", warning);
    });
  }

  /** Why a configuration was not taken, in the original's words and then ours. */
  refused(problems: readonly string[]): void {
    const [first = "unknown", ...rest] = problems;
    this.line("error", `Error initializing config: ${first}`);
    for (const problem of rest) this.line("error", problem);
  }

  /** Calls back when everything is said: at once, unless the words are still being loaded. */
  whenSaid(then: () => void): void {
    if (this.#wording.idle) then();
    else void this.#wording.load().then(then);
  }
}
