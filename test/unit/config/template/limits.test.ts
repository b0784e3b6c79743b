import { describe, expect, test } from "vitest";
import {
  ERRORS_MAX,
  NESTING_MAX,
  NODES_MAX,
  NUMBER_LENGTH_MAX,
  OUTPUT_LENGTH_MAX,
  REGEX_LENGTH_MAX,
  STEPS_MAX,
  TEXT_LENGTH_MAX,
  VARIABLES_MAX,
} from "../../../../src/config/template/limits.ts";
import { render } from "../../../../src/config/template/render.ts";

/** The rendering's length, or the code of the first error. */
async function outcome(text: string, env: Record<string, string> = {}): Promise<number | string> {
  const result = await render(text, env, { dialect: "v3" });
  return result.ok ? result.text.length : result.errors[0]!.code;
}

const nested = (depth: number): string => "{{ if 1 }}".repeat(depth) + "x" + "{{ end }}".repeat(depth);
const parentheses = (depth: number): string => `{{ ${"(".repeat(depth)}1${")".repeat(depth)} }}`;
const recursion = '{{ define "r" }}{{ with . }}{{ template "r" (slice . 1) }}x{{ end }}{{ end }}{{ template "r" .X }}';
const big = "x".repeat(1024 * 1024);

describe("each bound, just below and just above", () => {
  test.each<[string, string, string, number]>([
    ["nesting", nested(NESTING_MAX), nested(NESTING_MAX + 1), 1],
    ["parentheses", parentheses(NESTING_MAX), parentheses(NESTING_MAX + 1), 1],
    ["steps", `{{ range loop ${STEPS_MAX / 5} }}{{ end }}`, `{{ range loop ${STEPS_MAX} }}{{ end }}`, 0],
    ["numbers", `{{ 0.${"0".repeat(NUMBER_LENGTH_MAX - 2)} }}`, `{{ 0.${"0".repeat(NUMBER_LENGTH_MAX - 1)} }}`, 1],
    [
      "text",
      `{{/**/}}${" ".repeat(TEXT_LENGTH_MAX - 8)}`,
      `{{/**/}}${" ".repeat(TEXT_LENGTH_MAX - 7)}`,
      TEXT_LENGTH_MAX - 8,
    ],
    ["operands", `{{ and ${"1 ".repeat(NODES_MAX - 5)} }}`, `{{ and ${"1 ".repeat(NODES_MAX)} }}`, 1],
    ["actions", "{{1}}".repeat(NODES_MAX / 4), "{{1}}".repeat(NODES_MAX), NODES_MAX / 4],
  ])("%s", async (name, below, above, length) => {
    expect(await outcome(below)).toBe(length);
    expect(await outcome(above)).toBe(name === "numbers" ? "syntax" : "limit");
  });

  test("variables", async () => {
    const declare = (count: number) => Array.from({ length: count }, (_, i) => `{{ $v${i} := 1 }}`).join("");
    // One is `$`.
    expect(await outcome(declare(VARIABLES_MAX - 1))).toBe(0);
    expect(await outcome(declare(VARIABLES_MAX))).toBe("limit");
    expect(await outcome(`{{ range 1 }}${declare(200)}{{ end }}{{ range 1 }}${declare(200)}{{ end }}`)).toBe(0);
  });

  test("output", async () => {
    const copies = OUTPUT_LENGTH_MAX / big.length;
    const env = { X: big };
    expect(await outcome("{{ .X }}".repeat(copies), env)).toBe(OUTPUT_LENGTH_MAX);
    expect(await outcome(`${"{{ .X }}".repeat(copies)}y`, env)).toBe("limit");
  });

  test("template calls", async () => {
    // Each call is two levels: the template, and the `with` in it.
    expect(await outcome(recursion, { X: "x".repeat(NESTING_MAX / 2 - 1) })).toBe(NESTING_MAX / 2 - 1);
    expect(await outcome(recursion, { X: "x".repeat(NESTING_MAX / 2 + 1) })).toBe("limit");
    expect(await outcome('{{ define "r" }}{{ template "r" }}{{ end }}{{ template "r" }}')).toBe("limit");
  });

  test("regular expressions", async () => {
    expect(await outcome(`{{ regexReplaceAll "${"a".repeat(REGEX_LENGTH_MAX)}" "" "b" }}`)).toBe(1);
    expect(await outcome(`{{ regexReplaceAll "${"a".repeat(REGEX_LENGTH_MAX + 1)}" "" "b" }}`)).toBe("call");
    expect(await outcome('{{ regexReplaceAll "a{1000}" "" "b" }}')).toBe(1);
    expect(await outcome('{{ regexReplaceAll "a{1001}" "" "b" }}')).toBe("call");
    expect(await outcome('{{ regexReplaceAll "(a{100}){100}" "" "b" }}')).toBe("call");
  });

  test("errors of one text", async () => {
    const result = await render("{{ x }}".repeat(ERRORS_MAX + 10), {}, { dialect: "v3" });
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.errors.length).toBe(ERRORS_MAX + 1);
    expect(result.errors.at(-1)!.code).toBe("limit");
  });
});

describe("bombs end in an error", () => {
  test.each<[string, string, Record<string, string>?]>([
    ["a loop of 10⁹", "{{ range loop 1000000000 }}x{{ end }}"],
    ["a range over 10¹⁸", "{{ range 1000000000000000000 }}{{ end }}"],
    ["loops in loops", "{{ range loop 1000 }}{{ range loop 1000 }}{{ range loop 1000 }}{{ end }}{{ end }}{{ end }}"],
    ["text in loops", `{{ range loop 100000 }}${"y".repeat(1000)}{{ end }}`],
    ["a string that doubles", '{{ $x := "abcdefgh" }}{{ range loop 60 }}{{ $x = print $x $x }}{{ end }}'],
    [
      "a string that doubles, printed",
      '{{ $x := "abcdefgh" }}{{ range loop 60 }}{{ $x = printf "%s%s" $x $x }}{{ end }}',
    ],
    [
      "growth by replacement",
      '{{ $x := .X }}{{ range 9 }}{{ $x = replaceAll "x" "xxxxxxxxxx" $x }}{{ end }}',
      { X: big },
    ],
    ["growth by empty replacement", '{{ replaceAll "" .X .X }}', { X: big }],
    ["growth by joining", '{{ .X | split "" | join .X }}', { X: "x".repeat(100_000) }],
    ["growth by a regular expression", '{{ .X | regexReplaceAll "x" .X }}', { X: "x".repeat(100_000) }],
    ["wide fields", `{{ printf "${"%1000000d".repeat(100)}" ${"1 ".repeat(100)} }}`],
    ["precise floats", `{{ printf "${"%.1000000f".repeat(100)}" ${"0.1 ".repeat(100)} }}`],
    ["work on a big string", "{{ range loop 100000 }}{{ $n := len .X }}{{ end }}", { X: big }],
    ["comparisons of a big string", "{{ range loop 100000 }}{{ if eq $.X $.X }}{{ end }}{{ end }}", { X: big }],
    ["splitting again and again", '{{ range loop 100000 }}{{ $l := split "" $.X }}{{ end }}', { X: "x".repeat(1000) }],
    [
      "a regex program times a long text",
      '{{ range loop 100 }}{{ regexReplaceAll "(a|b|c|d){200}e" "" $.X }}{{ end }}',
      { X: big },
    ],
    ["nested repeats", '{{ regexReplaceAll "((((a{10}){10}){10}){10}" "" .X }}', { X: big }],
    ["arguments in a loop", `{{ range loop 100000 }}{{ $x := and ${"1 ".repeat(1000)} }}{{ end }}`],
    ["fields of nothing in a loop", `{{ range loop 100000 }}{{ $x := (or nil)${".X".repeat(1000)} }}{{ end }}`],
    ["slices of a list", "{{ $l := loop 100000 }}{{ range loop 100000 }}{{ $s := slice $l 1 }}{{ end }}"],
    ["an unclosed block, often", "{{ if 1 }}".repeat(50_000)],
    ["opening braces", "{".repeat(1_000_000)],
    ["opening parentheses", `{{ ${"(".repeat(100_000)} }}`],
    ["else if, often", `{{ if 0 }}${"{{ else if 0 }}".repeat(100_000)}{{ end }}`],
    ["a long unclosed string", `{{ "${"\\a".repeat(1_000_000)}`],
    ["a big number", `{{ ${"9".repeat(1_000_000)} }}`],
    ["underscores in a number", `{{ ${"1_".repeat(1_000_000)} }}`],
  ])("%s", async (_, text, env = {}) => {
    expect(await outcome(text, env)).toEqual(expect.any(String));
  });
});

describe("what is big but harmless is rendered", () => {
  test.each<[string, string, number, Record<string, string>?]>([
    ["a long run of blanks before a trim", `${" ".repeat(1_000_000)}x {{- 1 }}`, 1_000_002],
    ["a long run of blanks in a variable", '{{ split "," .X }}', 5, { X: `a${" ".repeat(1_000_000)}` }],
    ["a long string", `{{ "${"\\\\".repeat(1_000_000)}" }}`, 1_000_000],
    ["a long raw string", `{{ \`${"x".repeat(1_000_000)}\` }}`, 1_000_000],
    ["a long comment", `{{/*${"x".repeat(1_000_000)}*/}}`, 0],
    ["many definitions", Array.from({ length: 10_000 }, (_, i) => `{{ define "t${i}" }}{{ end }}`).join(""), 0],
    ["a big block", `{{ block "b" . }}${"{{ .X }}y".repeat(90_000)}{{ end }}`, 90_000],
    ["a regex that would backtrack", '{{ regexReplaceAll "(a*)*b" "" .X }}', 50_000, { X: "a".repeat(50_000) }],
    ["many raw bytes", '{{ "\\xff" }}x'.repeat(50_000), 100_000],
  ])("%s", async (_, text, length, env = {}) => {
    if (text.includes("split")) expect(await outcome(text, env)).toBe(3);
    else expect(await outcome(text, env)).toBe(length);
  });
});
