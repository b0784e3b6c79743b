import { describe, expect, it } from "vitest";
import { tidy } from "../../scripts/tidy.mjs";

/** Faults of these files, beside those that a whole repository would not have. */
function faults(files: Record<string, string>): string[] {
  return tidy(new Map(Object.entries(files)));
}

const program = (imports: string) => ({ "src/bin/cpctl.ts": imports });
/** Markers and hosts in parts, so that these lines are not faults themselves. */
const todo = ["TO", "DO"].join("");
const lines = (count: number, line = "x();\n") => line.repeat(count);

describe("leftovers", () => {
  it.each([todo, ["FIX", "ME"].join(""), ["XX", "X"].join("")])("refuses %s in code and in documents", (word) => {
    expect(faults(program(`x();\n// ${word}: later\n`))).toEqual(["src/bin/cpctl.ts:2: leftover marker"]);
    expect(faults({ "README.md": `# A\n\n${word}\n` })).toEqual(["README.md:3: leftover marker"]);
  });

  it("refuses a debugger statement, and takes words that only contain a marker", () => {
    expect(faults(program("  debugger;\n"))).toEqual(["src/bin/cpctl.ts:1: leftover debugger statement"]);
    expect(faults(program(`const ${todo}S = 1;\n`))).toEqual([]);
  });
});

describe("places of one machine", () => {
  it.each([
    `/${"work"}/main`,
    `/${"home"}/anna/x`,
    `https://registry.${"npmjs"}.org/x`,
    `http://deb.${"debian"}.org/debian`,
  ])("refuses %s", (place) => {
    expect(faults(program(`x("${place}");\n`))).toEqual(["src/bin/cpctl.ts:1: path or host of one machine"]);
  });

  it("takes relative paths and those of images", () => {
    expect(faults(program('x("../work/x", "/opt/work/x", "/home/node/app", "$HOME/work/x");\n'))).toEqual([]);
  });
});

describe("whitespace", () => {
  it("refuses trailing blanks, carriage returns and a missing or doubled last newline", () => {
    expect(faults(program("x(); \ny();\n"))).toEqual(["src/bin/cpctl.ts:1: trailing whitespace"]);
    expect(faults(program("x();\r\ny();\n"))).toEqual(["src/bin/cpctl.ts:1: trailing whitespace"]);
    expect(faults(program("x();"))).toEqual(["src/bin/cpctl.ts:1: must end in exactly one newline"]);
    expect(faults(program("x();\n\n"))).toEqual(["src/bin/cpctl.ts:3: must end in exactly one newline"]);
  });

  it("leaves recorded output alone", () => {
    expect(faults({ "test/one.test.ts": 'x("transcripts/a.txt");\n', "test/transcripts/a.txt": "x \n\n" })).toEqual([]);
  });
});

describe("lengths", () => {
  it("takes 300 lines of code and refuses 301, in tests 500 and 501", () => {
    expect(faults(program(lines(300)))).toEqual([]);
    expect(faults(program(lines(301)))).toEqual([
      expect.stringMatching(/^src\/bin\/cpctl.ts:1: 301 lines, at most 300/),
    ]);
    expect(faults({ "test/unit/a.test.ts": lines(500) })).toEqual([]);
    expect(faults({ "test/unit/a.test.ts": lines(501) })).toEqual([expect.stringMatching(/501 lines, at most 500/)]);
  });

  it.each([
    ["int f(int a) {\n", "}\n"],
    ["int Reaper::drain(int a) const noexcept {\n", "}\n"],
    ["class A {\n  int f() override {\n", "  }\n};\n"],
    ["int f(const char *a = \"}\",\n      char b = '}') { // }\n", "}\n"],
  ])("takes a native function of 70 lines and refuses 71: %j", (start, end) => {
    const head = start.startsWith("class") ? 1 : 0;
    const own = start.split("\n").length - 1 - head - (start.includes("\n  ") && head === 0 ? 1 : 0);
    const body = (total: number) => lines(total - own - 1, "    if (x()) { y(); } /* { */\n");
    const file = (total: number) => ({
      "native/f.cc": start + body(total) + end,
      "native/CMake": "f.cc\n",
      "test/n.test.ts": '"native/CMake"\n',
    });
    expect(faults(file(70))).toEqual([]);
    expect(faults(file(71))).toEqual([expect.stringMatching(/^native\/f.cc:\d: function of 71 lines, at most 70$/)]);
  });
});

describe("longer files with a reason", () => {
  const reasons = (paths: object) => ({
    "scripts/tidy-long-files.json": `${JSON.stringify(paths)}\n`,
    "README.md": "# A\n\n`scripts/tidy-long-files.json`\n",
  });
  const long = `${"x();\n".repeat(301)}`;

  it("are taken while they are long", () => {
    expect(faults({ "src/bin/cpctl.ts": long, ...reasons({ "src/bin/cpctl.ts": "one thing" }) })).toEqual([]);
    expect(faults({ "src/bin/cpctl.ts": "x();\n", ...reasons({ "src/bin/cpctl.ts": "one thing" }) })).toEqual([
      "src/bin/cpctl.ts:1: is short enough: take it out of tidy-long-files.json",
    ]);
    expect(faults({ "src/bin/cpctl.ts": "x();\n", ...reasons({ "src/gone.ts": "one thing" }) })).toEqual([
      "scripts/tidy-long-files.json:1: names src/gone.ts, which does not exist",
    ]);
  });
});

describe("dead files", () => {
  const reached = {
    ...program(
      'import "../tools/a.ts";\nimport("./b.ts");\nimport type { C } from "./c.ts";\nexport * from "./d.ts";\n',
    ),
    "src/tools/a.ts": "x();\n",
    "src/bin/b.ts": "x();\n",
    "src/bin/c.ts": "x();\n",
    "src/bin/d.ts": "x();\n",
  };

  it("takes what a program imports, in whatever way", () => {
    expect(faults(reached)).toEqual([]);
  });

  it("refuses a source that no program reaches, though a test or another dead file imports it", () => {
    const dead = {
      ...reached,
      "src/core/one.ts": 'import "./two.ts";\n',
      "src/core/two.ts": 'import "./one.ts";\n',
      "test/unit/one.test.ts": 'import "../../src/core/one.ts";\n',
    };
    expect(faults(dead)).toEqual([
      "src/core/one.ts:1: no program reaches it",
      "src/core/two.ts:1: no program reaches it",
    ]);
  });

  it("refuses what nothing names, and takes what is named in full, in quotes or by its folder", () => {
    expect(faults({ "native/a.cc": "int a;\n" })).toEqual(["native/a.cc:1: nothing imports or names it"]);
    expect(faults({ "native/a.cc": "int a;\n", "binding.gyp": "native/a.cc\n" })).toEqual([]);
    const fixture = { "test/fixtures/waits.c": "int a;\n" };
    expect(faults({ ...fixture, "test/a.test.ts": "waits();\n" })).toEqual([
      "test/fixtures/waits.c:1: nothing imports or names it",
    ]);
    expect(faults({ ...fixture, "test/a.test.ts": 'fixture("waits");\n' })).toEqual([]);
    expect(faults({ ...fixture, "test/a.test.ts": 'read("test/fixtures/");\n' })).toEqual([]);
    const native = { "native/a_test.cc": "int a;\n", "native/b.cc": "int b;\n" };
    expect(faults({ ...native, "native/Makefile": "own = b\nall = $(wildcard *_test.cc)\n" })).toEqual([
      "native/Makefile:1: nothing imports or names it",
    ]);
    const data = { "test/cases/one.txt": "x" };
    expect(faults({ ...data, "test/a.test.ts": "cases();\n" })).toEqual([
      "test/cases/one.txt:1: nothing imports or names it",
    ]);
    expect(faults({ ...data, "test/a.test.ts": 'read("../cases");\n' })).toEqual([]);
    expect(faults({ ...fixture, "test/a.test.ts": 'read("../fixtures");\n' })).toHaveLength(1);
  });
});

describe("links in documents", () => {
  const docs = (text: string) =>
    faults({ "README.md": text, "docs/install.md": "# Install\n\n## On `Alpine`, today\n" });
  const linked = "# A\n\n[docs](docs/install.md)\n";

  it("takes files, folders, headings and addresses", () => {
    expect(
      docs(`${linked}[a](#a) [b](docs/install.md#on-alpine-today) [c](docs/) [d](https://example.org/x)\n`),
    ).toEqual([]);
  });

  it("refuses a file, a heading or a folder that is not there", () => {
    expect(docs(`${linked}[a](docs/instal.md)\n`)).toEqual(["README.md:4: broken link: docs/instal.md"]);
    expect(docs(`${linked}[a](docs/install.md#alpine)\n`)).toEqual([
      "README.md:4: no such heading: docs/install.md#alpine",
    ]);
    expect(docs(`${linked}[a](#b)\n`)).toEqual(["README.md:4: no such heading: #b"]);
  });

  it("does not read code blocks", () => {
    expect(docs(`${linked}\n\`\`\`md\n[a](nowhere.md)\n\`\`\`\n`)).toEqual([]);
  });
});
