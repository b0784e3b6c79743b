/** The init's flags, declared once: for the argv walker here and for commander, which words help and errors. */
export interface FlagSpec {
  kind: "text" | "switch";
  /** Shown in the help as `-name <value>`. */
  value?: string;
  help: string;
}

export const FLAGS = {
  config: {
    kind: "text",
    value: "where",
    help: "configuration: file://PATH, a path, or the JSON text itself (default: the variable CONTAINERPILOT)",
  },
  template: { kind: "switch", help: "render the configuration's template, print it and quit" },
  out: { kind: "text", value: "where", help: "with -template: file://PATH or a path to write to; - is stdout" },
  version: { kind: "switch", help: "print the version and quit" },
  help: { kind: "switch", help: "print this help and quit" },
} as const satisfies Record<string, FlagSpec>;

export type FlagName = keyof typeof FLAGS;

export interface Flags {
  config?: string;
  out?: string;
  template: boolean;
  version: boolean;
  help: boolean;
  /** Everything from the first word that is no flag on: the application's argv, untouched. */
  words: readonly string[];
}

export type FlagError =
  | { code: "unknown"; flag: string }
  | { code: "needs-value"; flag: string }
  | { code: "bad-switch"; flag: string; value: string }
  | { code: "bad-syntax"; flag: string };

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/**
 * Reads argv by the rules of Go's `flag` package, which the original used: `-x` and `--x` are equal, a value is `-x=v` or the
 * next word, a switch takes a value only by `=`, and the first word that is no flag (or what follows `--`) ends it.
 */
export function walkArgv(argv: readonly string[]): Flags | FlagError {
  const flags: Flags = { template: false, version: false, help: false, words: [] };
  let at = 0;
  for (; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    if (word === "--") return { ...flags, words: argv.slice(at + 1) };
    if (!word.startsWith("-") || word === "-") break;
    const body = word.slice(word.startsWith("--") ? 2 : 1);
    const equals = body.indexOf("=");
    const name = equals < 0 ? body : body.slice(0, equals);
    if (name === "" || name.startsWith("-")) return { code: "bad-syntax", flag: word };
    const known = name === "h" ? "help" : name;
    if (!Object.hasOwn(FLAGS, known)) return { code: "unknown", flag: name };
    const flag = known as FlagName;
    let value = equals < 0 ? undefined : body.slice(equals + 1);
    if (flag === "config" || flag === "out") {
      value ??= argv[++at];
      if (value === undefined) return { code: "needs-value", flag: name };
      flags[flag] = value;
    } else {
      if (value !== undefined && !TRUE.has(value) && !FALSE.has(value))
        return { code: "bad-switch", flag: name, value };
      flags[flag] = value === undefined || TRUE.has(value);
    }
  }
  return { ...flags, words: argv.slice(at) };
}
