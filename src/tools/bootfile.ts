/** The boot file: the launcher reads it (native/launcher_boot.c) before there is a runtime. */
import type { Selector } from "../config/interfaces.ts";
import { policyOf } from "../core/policy.ts";
import type { Command, Job, Loaded } from "../plan.ts";

/** Changes with what the records are and mean: the launcher refuses any other. */
export const FORMAT = "containerpilot-boot=1";

/** The launcher reads no larger one. */
export const BYTES_MAX = 1024 * 1024;

export interface BootFacts {
  /** The configuration as it is read, before rendering. */
  text: string;
  loaded: Loaded;
  /** What may start. */
  job: Job;
  command: Command;
  /** The application is what the command line names. */
  words: boolean;
  /** Variables that the template has read; undefined: it was not set. */
  read: ReadonlyMap<string, string | undefined>;
  /** Variables for the application whose values are addresses. */
  addresses: ReadonlyMap<string, readonly Selector[]>;
}

const LEVELS = ["debug", "info", "warn", "error", "fatal", "panic"];
const FORMATS = ["default", "text", "json"];
const DIALECTS = ["v2", "v3"];
const OUTPUTS = ["", "stdout", "stderr"];

/** Records `key=value`, each with a NUL behind; the last one is a sum of all before it. No value may hold a NUL. */
export function bootFile({ text, loaded, job, command, words, read, addresses }: BootFacts): Buffer {
  const { plan, deeds } = loaded;
  const { level, format, dialect, output } = deeds.logging;
  const { forward, graceMs } = policyOf(plan);
  const records = [FORMAT, `job=${job.id}`, `config=${text}`];
  for (const [name, value] of read) records.push(value === undefined ? `unset=${name}` : `need=${name}=${value}`);
  if (words) records.push("words=1");
  else records.push(...command.argv.map((word) => `argument=${word}`));
  for (const [name, value] of Object.entries({ ...deeds.environment, ...command.env })) {
    if (!addresses.has(name)) records.push(`set=${name}=${value}`);
  }
  for (const [name, selectors] of addresses) {
    records.push(`address=${name}`, ...selectors.map((selector) => `select=${selectorText(selector)}`));
  }
  records.push(`control=${deeds.control}`, `stdin=${command.stdin}`, `output=${command.output}`);
  if (command.output === "log") {
    const numbers = [
      LEVELS.indexOf(level),
      FORMATS.indexOf(format),
      DIALECTS.indexOf(dialect),
      OUTPUTS.indexOf(output),
    ];
    records.push(`log=${numbers.join(" ")}`);
    records.push(...Object.entries(command.fields).map(([key, value]) => `field=${key}=${value}`));
  }
  // As the launcher has it, in a 32-bit integer.
  records.push(`grace=${Math.min(graceMs, 2 ** 31 - 1)}`, `forward=${maskOf(forward).toString(16)}`);
  const bytes = Buffer.from(records.map((record) => `${record}\0`).join(""));
  return Buffer.concat([bytes, Buffer.from(`end=${sumOf(bytes)}\0`)]);
}

/** Bit n-1 for signal n. */
function maskOf(signals: readonly number[]): bigint {
  return signals.reduce((mask, signo) => mask | (1n << BigInt(signo - 1)), 0n);
}

/** FNV-1a, 64 bits: tells accidents, and no more is asked of it. */
function sumOf(bytes: Buffer): string {
  let sum = 0xcbf29ce484222325n;
  for (const byte of bytes) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  return sum.toString(16).padStart(16, "0");
}

function selectorText(selector: Selector): string {
  switch (selector.t) {
    case "any":
      return `any ${selector.family}`;
    case "named":
      return `named ${selector.name} ${selector.family}`;
    case "indexed":
      return `indexed ${selector.name} ${selector.index}`;
    case "network":
      return `network ${Buffer.from(selector.bytes).toString("hex")} ${selector.bits}`;
    case "static":
      return `static ${selector.address}`;
    case "public":
      return "public";
    default:
      return selector satisfies never;
  }
}
