/** The subcommands that ask the running container. */
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import type { Outcome, Verb } from "../control/questions.ts";
import { writeAll } from "./write.ts";

const STDOUT = 1;
const STDERR = 2;

interface Given {
  socket?: string;
}

function asking(command: Command): Command {
  return command.addOption(
    new Option("--socket <path>", "where it listens (default: CONTAINERPILOT_SOCKET, then the usual places)"),
  );
}

async function run(name: string, verb: Verb, { socket }: Given): Promise<void> {
  const { ask } = await import("../tools/ask.ts");
  write(await ask(name, verb, socket, process.env));
}

function write({ code, out, lines }: Outcome): void {
  writeAll(STDOUT, out);
  writeAll(STDERR, lines.map((line) => `${line}\n`).join(""));
  process.exitCode = code;
}

function collectPair(pair: string, before: readonly string[] | undefined): readonly string[] {
  if (!pair.includes("=")) throw new InvalidArgumentError("It takes NAME=VALUE.");
  return [...(before ?? []), pair];
}

function pairsCommand(name: string, description: string, what: string, ask: "environ" | "metric"): Command {
  return asking(new Command(name).description(description))
    .addArgument(new Argument("<pairs...>", what).argParser(collectPair))
    .action((pairs: readonly string[], given: Given) => run(name, { ask, pairs }, given));
}

function statusCommand(): Command {
  return asking(new Command("status").description("show what runs: jobs, services, watches"))
    .option("--json", "as JSON", false)
    .action(async ({ socket, json }: Given & { json: boolean }) => {
      const { status } = await import("../tools/status.ts");
      write(await status(socket, json, process.env));
    });
}

export function askCommands(): readonly Command[] {
  return [
    statusCommand(),
    asking(new Command("ping").description("ask whether the container's containerpilot is there; prints ok")).action(
      (given: Given) => run("ping", { ask: "ping" }, given),
    ),
    asking(
      new Command("reload").description("have it read its configuration again; a wrong one changes nothing, and is 1"),
    ).action((given: Given) => run("reload", { ask: "reload" }, given)),
    asking(new Command("maintenance").description("take its services out of the catalog, or put them back"))
      .addArgument(new Argument("<state>").choices(["on", "off"]))
      .action((state: "on" | "off", given: Given) =>
        run("maintenance", { ask: "maintenance", on: state === "on" }, given),
      ),
    pairsCommand("env", "set variables for what it starts from now on", "as NAME=VALUE", "environ"),
    pairsCommand("metric", "give it values for its metrics", "as KEY=VALUE", "metric"),
  ];
}
