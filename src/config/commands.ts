/** Commands as both originals read them: no shell, no quotes. */
import { goText } from "./gotext.ts";
import type { Path, Problems } from "./problems.ts";

/**
 * The words of a command, or undefined for one without any. Text is trimmed and split at every single space, so two spaces
 * make an empty word and quotes stay what they are; the items of a list are taken as they are, printed as Go prints them.
 */
export function parseCommand(value: unknown): readonly string[] | undefined {
  if (typeof value === "string") return value === "" ? undefined : value.trim().split(" ");
  if (Array.isArray(value) && value.length > 0) {
    return value.map((item) => (typeof item === "string" ? item : goText(item)));
  }
  return undefined;
}

const SHELL = /["'`]|\$[A-Za-z_{(?!*@#0-9]|(^| )(&&?|\|\|?|;|>>?|<<?|2>&1|[12]?>.*)( |$)|;( |$)/;

/** Warns of what only a shell would understand in a command that is written as one text. */
export function lintCommand(value: unknown, at: Path, problems: Problems): void {
  if (typeof value !== "string") return;
  if (value.trim() === "") problems.warn("blank-command", at, { found: value });
  const match = SHELL.exec(value);
  if (match) problems.warn("shell-syntax", at, { found: value, about: { word: match[0].trim() } });
}

/** A script that hands over by exec, or deals with signals itself. */
const HEARS = /(^|[;&|\s])(exec|trap)\s/;

/** Warns of an application that will not hear our signals: a shell without exec or trap, or npm, in front of the real one. */
export function lintApplication(argv: readonly string[], at: Path, problems: Problems): void {
  const program = (argv[0] ?? "").replace(/^.*\//s, "");
  const shell = /^(ba|da|a|z|k)?sh$/.test(program) && argv[1] === "-c" && !HEARS.test(argv[2] ?? "");
  const runner = /^(npm|yarn|pnpm)$/.test(program) && /^(start|run|run-script)$/.test(argv[1] ?? "");
  if (shell || runner) problems.warn("shell-application", at, { found: argv.join(" "), about: { program } });
}
