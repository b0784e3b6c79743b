/** The init's flags, for the argv walker here; their help and the wording of errors are in usage.ts. */

/** text: one value, the last one counts. pairs: NAME=VALUE, and any number of them. */
export type FlagKind = "text" | "switch" | "pairs";

export const FLAGS = {
  config: "text",
  template: "switch",
  out: "text",
  version: "switch",
  reload: "switch",
  maintenance: "text",
  putenv: "pairs",
  putmetric: "pairs",
  ping: "switch",
  help: "switch",
} as const satisfies Record<string, FlagKind>;

export type FlagName = keyof typeof FLAGS;

export interface Flags {
  config?: string;
  out?: string;
  template: boolean;
  version: boolean;
  help: boolean;
  reload: boolean;
  maintenance?: string;
  putenv: readonly string[];
  putmetric: readonly string[];
  ping: boolean;
  /** Everything from the first word that is no flag on: the application's argv, untouched. */
  words: readonly string[];
}

export type FlagError =
  | { code: "unknown"; flag: string }
  | { code: "needs-value"; flag: string }
  | { code: "bad-switch"; flag: string; value: string }
  | { code: "bad-word"; flag: string; value: string }
  | { code: "no-pair"; flag: string; value: string }
  | { code: "bad-syntax"; flag: string };

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/**
 * Reads argv by the rules of Go's `flag` package, which the original used: `-x` and `--x` are equal, a value is `-x=v` or the
 * next word, a switch takes a value only by `=`, and the first word that is no flag (or what follows `--`) ends it.
 */
export function walkArgv(argv: readonly string[]): Flags | FlagError {
  const flags: Flags = {
    template: false,
    version: false,
    help: false,
    reload: false,
    putenv: [],
    putmetric: [],
    ping: false,
    words: [],
  };
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
    if (isText(flag)) {
      value ??= argv[++at];
      if (value === undefined) return { code: "needs-value", flag: name };
      const error = takeText(flags, flag, value);
      if (error !== undefined) return error;
    } else {
      if (value !== undefined && !TRUE.has(value) && !FALSE.has(value))
        return { code: "bad-switch", flag: name, value };
      flags[flag] = value === undefined || TRUE.has(value);
    }
  }
  return { ...flags, words: argv.slice(at) };
}

/** Words for `-maintenance`; ContainerPilot 3.8.0 took every other word for `disable`, misspelt ones too. */
const MAINTENANCE = new Set(["", "enable", "disable"]);

type TextFlag = { [F in FlagName]: (typeof FLAGS)[F] extends "switch" ? never : F }[FlagName];

function isText(flag: FlagName): flag is TextFlag {
  return FLAGS[flag] !== "switch";
}

function takeText(flags: Flags, flag: TextFlag, value: string): FlagError | undefined {
  if (flag === "putenv" || flag === "putmetric") {
    if (!value.includes("=")) return { code: "no-pair", flag, value };
    flags[flag] = [...flags[flag], value];
    return undefined;
  }
  if (flag === "maintenance" && !MAINTENANCE.has(value)) return { code: "bad-word", flag, value };
  flags[flag] = value;
  return undefined;
}
