/** The init: argv in, exit code out. */
import { hostname } from "node:os";
import { type LoadResult, load } from "../config/load.ts";
import { start } from "../runtime/start.ts";
import { type Flags, walkArgv } from "./flags.ts";
import { writeAll } from "./write.ts";

declare const VERSION: string;
declare const GIT_HASH: string;

const STDOUT = 1;
const STDERR = 2;
/** sysexits(3). */
const EX_USAGE = 64;
const EX_SOFTWARE = 70;

/** Nothing was started: Node leaves by itself with this code. */
function end(code: number, fd: number, text: string): void {
  writeAll(fd, text);
  process.exitCode = code;
}

async function main(argv: readonly string[]): Promise<void> {
  const flags = walkArgv(argv);
  if ("code" in flags) {
    const { flagErrorText } = await import("./usage.ts");
    end(EX_USAGE, STDERR, flagErrorText(flags));
  } else if (flags.help) {
    const { helpText } = await import("./usage.ts");
    end(0, STDOUT, helpText());
  } else if (flags.version) {
    end(0, STDOUT, `Version: ${VERSION}\nGitHash: ${GIT_HASH}\n`);
  } else if (flags.template) {
    const { renderTo } = await import("./template.ts");
    const { code, lines } = await renderTo(flags.config, flags.out, process.env);
    end(code, STDERR, lines.map((line) => `${line}\n`).join(""));
  } else if (asks(flags)) {
    const { ask } = await import("./ask.ts");
    const { code, out, lines } = await ask(flags, process.env, () => read(flags, process.env));
    writeAll(STDOUT, out);
    end(code, STDERR, lines.map((line) => `${line}\n`).join(""));
  } else {
    await run(flags);
  }
}

/** Something of the running containerpilot; the launcher has seen to it already, unless only the configuration can tell. */
function asks({ reload, maintenance, putenv, putmetric, ping }: Flags): boolean {
  return reload || ping || Boolean(maintenance) || putenv.length > 0 || putmetric.length > 0;
}

function read(flags: Flags, env: Readonly<Record<string, string | undefined>>, text?: string): Promise<LoadResult> {
  const { config, words } = flags;
  return load({ config, words, env, hostname: hostname(), pid: process.pid, version: VERSION, text });
}

async function run(flags: Flags): Promise<void> {
  const refused = await start(process.env, (env, text) => read(flags, env, text));
  if (refused === undefined) return;
  writeAll(STDERR, refused.lines.map((line) => `${line}\n`).join(""));
  refused.leave();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  end(EX_SOFTWARE, STDERR, `containerpilot: ${text}\n`);
});
