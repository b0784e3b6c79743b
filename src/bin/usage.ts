/** Help and the wording of flag errors, with commander; loaded only when one of them is asked for. */
import { Command, Option } from "commander";
import { FLAGS, type FlagError, type FlagName } from "./flags.ts";

/** Shown as `-name <value>`, and what it is for. */
const HELP: Record<FlagName, { value?: string; help: string }> = {
  config: {
    value: "where",
    help: "configuration: file://PATH, a path, or the JSON text itself (default: the variable CONTAINERPILOT)",
  },
  template: { help: "render the configuration's template, print it and quit" },
  out: { value: "where", help: "with -template: file://PATH or a path to write to; - is stdout" },
  version: { help: "print the version and quit" },
  reload: { help: "have the running containerpilot read its configuration again, and quit" },
  maintenance: {
    value: "enable|disable",
    help: "put the running containerpilot into maintenance, or end it, and quit",
  },
  putenv: { value: "name=value", help: "set a variable for what it starts from now on; may be repeated" },
  putmetric: { value: "key=value", help: "give it a value for a metric; may be repeated" },
  ping: { help: "ask whether it is there; prints ok" },
  help: { help: "print this help and quit" },
};

/** The help text. Commander knows long options; Go's flags are written with one dash as well, so it is shown that way. */
export function helpText(): string {
  const command = new Command("containerpilot")
    .usage("[flags] [application arguments…]")
    .description(
      "The entrypoint of a container: starts the application, registers it, watches what it depends on and stops cleanly.",
    )
    .helpOption(false);
  for (const [name, { value, help }] of Object.entries(HELP)) {
    command.addOption(new Option(`--${name}${value === undefined ? "" : ` <${value}>`}`, help));
  }
  const text = command.helpInformation().replace(/^( +)--/gm, "$1 -");
  return `${text}\nEverything from the first word that is no flag on is the application (v2).\n`;
}

/** One line for a wrong flag, with the nearest known one. */
export function flagErrorText(error: FlagError): string {
  switch (error.code) {
    case "needs-value":
      return `containerpilot: -${error.flag} needs a value\n`;
    case "bad-switch":
      return `containerpilot: -${error.flag}=${error.value}: a switch is true or false\n`;
    case "bad-word":
      return `containerpilot: -${error.flag} ${JSON.stringify(error.value)}: it takes enable or disable\n`;
    case "no-pair":
      return `containerpilot: -${error.flag} ${JSON.stringify(error.value)}: it takes NAME=VALUE\n`;
    case "bad-syntax":
      return `containerpilot: '${error.flag}' is not a flag\n`;
    case "unknown":
      return `containerpilot: unknown flag -${error.flag}${nearest(error.flag)}; see -help\n`;
    default:
      return error satisfies never;
  }
}

/** Commander's own suggestion for a misspelt option. */
function nearest(flag: string): string {
  let said = "";
  const command = new Command()
    .exitOverride()
    .configureOutput({ writeErr: (text) => (said += text), writeOut: () => undefined });
  for (const name of Object.keys(FLAGS)) command.option(`--${name}`);
  try {
    command.parse([`--${flag}`], { from: "user" });
  } catch {
    // It throws what it has just said.
  }
  const match = /Did you mean --(\w+)\?/.exec(said);
  return match === null ? "" : ` (did you mean -${match[1]}?)`;
}
