import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TemplateError } from "../../../../src/config/template/errors.ts";
import type { Dialect } from "../../../../src/config/template/node.ts";

/**
 * Cases are lines `TEMPLATE => RESULT`. A result is the rendering, or `✗ STAGE CODE`. In both sides ␣ is a blank, ⏎ a
 * newline, ⇥ a tab, ␍ a carriage return, ␀ ␌ ␋ NUL, form feed, vertical tab, ⍽ a no-break space, ∅ nothing.
 * `env NAME=VALUE …` and `dialect v2|v3` hold for the lines below them; `#` begins a comment.
 */
export interface Case {
  readonly file: string;
  readonly line: number;
  readonly dialect: Dialect;
  readonly env: Readonly<Record<string, string>>;
  readonly template: string;
  readonly expected: { readonly text: string } | { readonly refused: Pick<TemplateError, "stage" | "code"> };
}

const SIGNS: Readonly<Record<string, string>> = {
  "␣": " ",
  "⏎": "\n",
  "⇥": "\t",
  "␍": "\r",
  "␀": "\0",
  "␌": "\f",
  "␋": "\v",
  "⍽": "\u00a0",
  "∅": "",
};

const read = (text: string): string => text.replace(/[␣⏎⇥␍␀␌␋⍽∅]/g, (sign) => SIGNS[sign]!);

function readEnv(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(" ").map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), read(entry.slice(at + 1))];
    }),
  );
}

function readExpected(text: string): Case["expected"] {
  const refused = /^✗ (parse|execute) (\S+)$/.exec(text);
  if (!refused) return { text: read(text) };
  return { refused: { stage: refused[1], code: refused[2] } as Pick<TemplateError, "stage" | "code"> };
}

/** All cases of the folder `cases`, file by file. */
export function readCases(): Case[] {
  const folder = join(import.meta.dirname, "cases");
  return readdirSync(folder)
    .sort()
    .flatMap((file) => {
      let env: Record<string, string> = {};
      let dialect: Dialect = "v3";
      const cases: Case[] = [];
      for (const [index, line] of readFileSync(join(folder, file), "utf8").split("\n").entries()) {
        if (line.startsWith("env ")) env = readEnv(line.slice(4));
        else if (line.startsWith("dialect ")) dialect = line.slice(8) as Dialect;
        else if (line !== "" && !line.startsWith("# ")) {
          const at = line.lastIndexOf(" => ");
          if (at < 0) throw new Error(`${file}:${index + 1}: no case`);
          const template = read(line.slice(0, at));
          cases.push({ file, line: index + 1, dialect, env, template, expected: readExpected(line.slice(at + 4)) });
        }
      }
      return cases;
    });
}
