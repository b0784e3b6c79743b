#!/usr/bin/env node
/** The tool for people and scripts: subcommands, each loaded when it is asked for. */
import { isatty } from "node:tty";
import { Argument, Command, CommanderError, Option } from "commander";
import { askCommands } from "./cpctl-ask.ts";
import { writeAll } from "./write.ts";

declare const VERSION: string;

const STDOUT = 1;
const STDERR = 2;
/** sysexits(3). */
const EX_USAGE = 64;

interface Given {
  envFile: readonly string[];
  env: readonly string[];
  inherit: boolean;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** The options of every command that renders a template. */
function withEnvironment(command: Command): Command {
  return command
    .addOption(
      new Option("--env-file <file>", "variables, a NAME=VALUE a line, as container engines read them")
        .argParser(collect)
        .default([], "none"),
    )
    .addOption(new Option("--env <pair>", "a variable as NAME=VALUE").argParser(collect).default([], "none"))
    .option("--no-inherit", "without the variables of this environment");
}

const FILE = new Argument("[file]", "what -config takes: a path, file://PATH or the text (default: CONTAINERPILOT)");

function checkCommand(): Command {
  const command = new Command("check")
    .description("say what is wrong with a configuration, or might be")
    .addArgument(FILE);
  return withEnvironment(command)
    .argument("[words...]", "the application and its arguments, behind --")
    .option("--json", "as JSON", false)
    .option("--strict", "exit code 1 where there are warnings", false)
    .option("--all-branches", "check every outcome of the template's if, with and range", false)
    .addHelpText("after", "\nExit code: 0 right, 1 warnings with --strict, 2 refused.")
    .action(
      async (
        file: string | undefined,
        words: string[],
        given: Given & { json: boolean; strict: boolean; allBranches: boolean },
      ) => {
        const { check } = await import("../tools/check.ts");
        const colour = isatty(STDOUT) && !process.env.NO_COLOR && !given.json;
        const { code, text } = await check(file, words, { ...given, colour }, process.env);
        writeAll(STDOUT, text);
        process.exitCode = code;
      },
    );
}

function renderCommand(): Command {
  const command = new Command("render").description("print a configuration as its template gives it").addArgument(FILE);
  return withEnvironment(command)
    .option("--out <path>", "write it there instead", "-")
    .action(async (file: string | undefined, given: Given & { out: string }) => {
      const { render } = await import("../tools/render.ts");
      const { code, bytes, lines } = await render(file, given, process.env);
      writeAll(STDOUT, bytes);
      writeAll(STDERR, lines.map((line) => `${line}\n`).join(""));
      process.exitCode = code;
    });
}

function schemaCommand(): Command {
  return new Command("schema")
    .description("print the JSON Schema of a dialect, or of both")
    .addArgument(new Argument("[dialect]").choices(["v2", "v3"]))
    .action(async (dialect: "v2" | "v3" | undefined) => {
      const { schemaOf } = await import("../tools/schema.ts");
      writeAll(STDOUT, `${JSON.stringify(schemaOf(dialect), null, 2)}\n`);
    });
}

function installCommand(): Command {
  return new Command("install")
    .description("put containerpilot into a directory of an image, at its build, with V8's code for this Node")
    .argument("<directory>", "such as /opt/containerpilot")
    .option("--no-code-cache", "without V8's code")
    .addHelpText("after", "\nNothing is written when it runs. Code of another Node, or for other flags, is ignored.")
    .action(async (directory: string, given: { codeCache: boolean }) => {
      const { install } = await import("../tools/install.ts");
      const { code, text, lines } = install(directory, given);
      writeAll(STDOUT, text);
      writeAll(STDERR, lines.map((line) => `${line}\n`).join(""));
      process.exitCode = code;
    });
}

function compileCommand(): Command {
  const command = new Command("compile")
    .description("check a configuration at an image's build, and let its application start before the runtime")
    .addArgument(FILE);
  return withEnvironment(command)
    .option("-o, --out <file>", "the boot file (default: the configuration's path with .boot behind)")
    .option("--strict", "exit code 1 where there can be no instant start", false)
    .addHelpText(
      "after",
      "\nExit code: 0 written, or not possible, 1 not possible with --strict, 2 refused, 73 not writable.",
    )
    .action(async (file: string | undefined, given: Given & { out?: string; strict: boolean }) => {
      const { compile } = await import("../tools/compile.ts");
      const colour = isatty(STDOUT) && !process.env.NO_COLOR;
      const { code, text, lines } = await compile(file, { ...given, out: given.out, colour }, process.env);
      writeAll(STDOUT, text);
      writeAll(STDERR, lines.map((line) => `${line}\n`).join(""));
      process.exitCode = code;
    });
}

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("cpctl")
    .description("Looks at configurations and running containers of containerpilot.")
    .version(VERSION)
    .configureOutput({ writeOut: (text) => writeAll(STDOUT, text), writeErr: (text) => writeAll(STDERR, text) })
    .exitOverride();
  for (const command of [checkCommand(), renderCommand(), schemaCommand(), compileCommand(), installCommand()]) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  for (const command of askCommands()) program.addCommand(command.copyInheritedSettings(program));
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EX_USAGE;
    else if (error instanceof Error && error.name === "UsageError") {
      writeAll(STDERR, `cpctl: ${error.message}\n`);
      process.exitCode = EX_USAGE;
    } else throw error;
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  writeAll(STDERR, `cpctl: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 70;
});
