/**
 * A fault in a configuration, as data. Nothing here makes text: wording, positions and hints are made from these facts when a
 * problem has to be shown (`print.ts`), so that a right configuration never pays for them.
 */

/** Where in the configuration: keys and indices from the top, keys as the file spells them. */
export type Path = readonly (string | number)[];

export type Code =
  // the text
  | "no-config"
  | "unreadable"
  | "template"
  | "syntax"
  | "too-deep"
  | "too-big"
  | "not-an-object"
  // keys
  | "unknown-key"
  | "mixed-dialects"
  | "missing"
  | "no-effect"
  | "old-key"
  | "both-keys"
  | "one-of"
  // values
  | "wrong-type"
  | "not-a-list"
  | "bad-number"
  | "too-small"
  | "bad-word"
  | "bad-signal"
  | "odd-port"
  | "too-many"
  | "empty"
  | "two-mains"
  | "no-main"
  | "bad-code"
  | "blank-name"
  | "odd-name"
  | "bad-name"
  | "bad-duration"
  | "empty-command"
  | "blank-command"
  | "bad-interface"
  | "near-interface"
  | "no-address"
  | "no-public-address"
  | "bad-endpoint"
  | "bad-metric"
  | "same-metric"
  | "health-required"
  | "unlimited-each"
  | "not-both"
  // what loads and cannot work
  | "no-catalog"
  | "ignored-words"
  | "words-unrendered"
  | "shell-syntax"
  | "shell-application"
  | "short-ttl"
  | "same-service"
  | "once-changed"
  | "once-shutdown"
  | "never-fires"
  | "own-exit"
  | "unknown-source"
  | "global-source"
  // what only tools look for
  | "repeated-key"
  | "dead-wait";

export interface Problem {
  code: Code;
  level: "error" | "warning";
  path: Path;
  /** The caret stands under the key instead of the value. */
  atKey?: boolean;
  /** Offset in the rendered text, in UTF-16 units, for faults of the text itself. */
  offset?: number;
  /** The same in the text as read, for faults of the template. */
  sourceOffset?: number;
  /** The offending value, as read. */
  found?: unknown;
  /** What is allowed, or other facts of the code, in words or numbers. */
  about?: Readonly<Record<string, unknown>>;
  /** Other places that take part. */
  also?: readonly Path[];
}

/** Collects: all faults of a file are found in one pass. */
export class Problems {
  readonly list: Problem[] = [];
  readonly #later: (() => void)[] = [];

  error(code: Code, path: Path, rest?: Partial<Problem>): void {
    this.list.push({ code, level: "error", path, ...rest });
  }

  warn(code: Code, path: Path, rest?: Partial<Problem>): void {
    this.list.push({ code, level: "warning", path, ...rest });
  }

  /** A check that only warns, for when the application is started. */
  later(check: () => void): void {
    this.#later.push(check);
  }

  /** Makes the checks that were left for later. */
  settle(): void {
    for (const check of this.#later.splice(0)) check();
  }

  get refused(): boolean {
    return this.list.some((problem) => problem.level === "error");
  }
}
