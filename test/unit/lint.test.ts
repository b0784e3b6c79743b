import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const offenders = join(root, "test/fixtures/offenders");
/** Marks a line of an offender: the rule that must refuse just this line. */
const mark = /\s*\/\/ refused: (\S+)$/;

/** Offence as `file:line rule`. */
type Offence = string;

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** What Biome reports under the repository's own configuration for the files of a folder outside the repository. */
function lint(folder: string): Offence[] {
  const biome = join(root, "node_modules/.bin/biome");
  let report: string;
  try {
    report = execFileSync(biome, ["lint", "--reporter=json", "--max-diagnostics=none", "."], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch (error) {
    report = (error as { stdout: string }).stdout;
  }
  const { diagnostics } = JSON.parse(report) as {
    diagnostics: { category: string; severity: string; location: { path: string; start: { line: number } } }[];
  };
  return diagnostics
    .filter((found) => found.severity === "error")
    .map((found) => `${found.location.path}:${found.location.start.line} ${found.category}`)
    .sort();
}

/** Writes files and the repository's Biome configuration, which lies outside git there, into a new folder. */
function treeOf(contents: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "lint-"));
  const settings = JSON.parse(readFileSync(join(root, "biome.json"), "utf8")) as Record<string, unknown>;
  writeFileSync(join(folder, "biome.json"), JSON.stringify({ ...settings, vcs: { enabled: false } }));
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const sources = Object.fromEntries(files(offenders).map((name) => [name, readFileSync(join(offenders, name), "utf8")]));

describe("the lint rules refuse what they are there to refuse", () => {
  let asTheyAre: string;
  let without: string;

  beforeAll(() => {
    asTheyAre = treeOf(sources);
    without = treeOf(
      Object.fromEntries(
        Object.entries(sources).map(([name, text]) => [
          name,
          text
            .split("\n")
            .filter((line) => !mark.test(line))
            .join("\n"),
        ]),
      ),
    );
  });

  afterAll(() => {
    rmSync(asTheyAre, { recursive: true });
    rmSync(without, { recursive: true });
  });

  it("reports each marked line of the offenders and nothing else", () => {
    const marked = Object.entries(sources).flatMap(([name, text]) =>
      text.split("\n").flatMap((line, at) => {
        const rule = mark.exec(line)?.[1];
        return rule === undefined ? [] : [`${name}:${at + 1} ${rule}`];
      }),
    );
    expect(marked.length).toBeGreaterThan(40);
    expect(lint(asTheyAre)).toEqual(marked.sort());
  });

  it("passes the same files without these lines", () => {
    expect(lint(without)).toEqual([]);
  });

  it.each([
    [70, []],
    [71, ["src/core/long.ts:1 lint/complexity/noExcessiveLinesPerFunction"]],
  ])("answers a function of %i lines", (lines, expected) => {
    const body = Array.from({ length: lines - 1 }, (_, at) => `  sum += start * ${at};`);
    const folder = treeOf({
      "src/core/long.ts": [
        "export function long(start: number, sum: number): void {",
        ...body,
        "  sum += 1;",
        "}",
        "",
      ].join("\n"),
    });
    expect(lint(folder)).toEqual(expected);
    rmSync(folder, { recursive: true });
  });
});
