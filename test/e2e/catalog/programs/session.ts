/**
 * A process that does nothing but hold a session: `session SETTINGS`, then commands on stdin, a line each, and what is told
 * on stdout, a line of JSON each. At the end of stdin it closes the session and must end by itself.
 */
import { createInterface } from "node:readline";
import { openCatalog } from "../../../../src/catalog/open.ts";
import type { CatalogSettings, Dependency, Service } from "../../../../src/plan.ts";

export type Command =
  | { announce: Service }
  | { withdraw: Service }
  | { watch: Dependency }
  /** Announces again and again, as heartbeats do. */
  | { beat: Service; everyMs: number };

const settings = JSON.parse(process.argv[2] ?? "") as CatalogSettings;
const say = (what: object): void =>
  void process.stdout.write(`${JSON.stringify({ at: performance.now(), ...what })}\n`);
const session = await openCatalog(settings, say, say);
let attempt = 0;
const beats: NodeJS.Timeout[] = [];

function announce(service: Service): void {
  attempt += 1;
  session.announce(service.name, service, attempt, "passing", "");
}

function obey(command: Command): void {
  if ("beat" in command) {
    announce(command.beat);
    beats.push(setInterval(() => announce(command.beat), command.everyMs));
  } else if ("announce" in command) announce(command.announce);
  else if ("withdraw" in command) session.withdraw(command.withdraw.name, command.withdraw);
  else session.watch(command.watch.name, command.watch);
}

say({ t: "ready" });
for await (const line of createInterface({ input: process.stdin })) obey(JSON.parse(line) as Command);
for (const beat of beats) clearInterval(beat);
session.close();
say({ t: "closed" });
