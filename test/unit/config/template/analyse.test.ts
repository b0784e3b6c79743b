import { describe, expect, test } from "vitest";
import { conditions, visitNodes } from "../../../../src/config/template/analyse.ts";
import type { Template } from "../../../../src/config/template/node.ts";
import { render } from "../../../../src/config/template/render.ts";
import { parseTemplate } from "../../../../src/config/template/template.ts";

function parsed(text: string): Template {
  const result = parseTemplate(text, { dialect: "v3" });
  if (!result.ok) throw new Error(result.errors[0]!.message);
  return result.template;
}

/** Each condition as its keyword and variables; `…` for those whose names are made at run time. */
const decided = (text: string): string[] =>
  conditions(parsed(text)).map(({ node, variables, dynamic }) =>
    [node.kind, ...variables, ...(dynamic ? ["…"] : [])].join(" "),
  );

describe("the variables that decide a condition", () => {
  test.each<[string, string[]]>([
    ["{{ if .A }}{{ end }}", ["if A"]],
    ["{{ if and .A (not .B) }}{{ end }}", ["if A B"]],
    ['{{ if eq .A "1" }}{{ else if .B }}{{ end }}', ["if A", "if B"]],
    ['{{ if env "A" }}{{ end }}', ["if A"]],
    ['{{ if index . "A-B" }}{{ end }}', ["if A-B"]],
    ["{{ with .A }}{{ if . }}{{ end }}{{ if $.B }}{{ end }}{{ end }}", ["with A", "if A", "if B"]],
    ['{{ range $i, $e := split "," .A }}{{ if $e }}{{ end }}{{ if . }}{{ end }}{{ end }}', ["range A", "if A", "if A"]],
    ["{{ $x := .A }}{{ $y := $x }}{{ if $y }}{{ end }}", ["if A"]],
    ["{{ $x := .A }}{{ $x = .B }}{{ if $x }}{{ end }}", ["if A B"]],
    ['{{ range $i := loop 3 }}{{ if env (printf "P_%d" $i) }}{{ end }}{{ end }}', ["range", "if …"]],
    ['{{ range split "," .A }}{{ if env . }}{{ end }}{{ end }}', ["range A", "if A …"]],
    ['{{ define "t" }}{{ if .A }}{{ end }}{{ if $.B }}{{ end }}{{ end }}{{ template "t" . }}', ["if A", "if B"]],
    ['{{ define "t" }}{{ if . }}{{ end }}{{ end }}{{ template "t" .A }}{{ template "t" .B }}', ["if A B"]],
    ['{{ define "t" }}{{ if .A }}{{ template "t" . }}{{ end }}{{ end }}{{ template "t" . }}', ["if A"]],
    ['{{ block "b" .A }}{{ if . }}{{ end }}{{ end }}', ["if A"]],
    ["{{ if 1 }}{{ end }}", ["if"]],
    ["{{ if (.).A }}{{ end }}", ["if A"]],
    ["{{ .A }}", []],
  ])("%s", (text, expected) => {
    expect(decided(text)).toEqual(expected);
  });
});

test("every node is visited, those of definitions as well", () => {
  const kinds: string[] = [];
  visitNodes(
    parsed('a{{ if 1 }}b{{ else }}{{ .X }}{{ end }}{{ define "t" }}{{ range 1 }}{{ break }}{{ end }}{{ end }}'),
    ({ kind }) => kinds.push(kind),
  );
  expect(kinds.sort()).toEqual(["action", "break", "if", "range", "text", "text"]);
});

describe("forced outcomes", () => {
  /** Renders with all conditions forced one way. */
  async function forced(text: string, outcome: boolean | undefined, env: Record<string, string> = {}): Promise<string> {
    const result = await render(text, env, { dialect: "v3", decide: () => outcome });
    return result.ok ? result.text : result.errors[0]!.code;
  }

  test.each<[string, string, string, string]>([
    ["{{ if .A }}then{{ else }}else{{ end }}", "then", "else", "else"],
    ["{{ if .A }}1{{ else if .B }}2{{ else }}3{{ end }}", "1", "3", "3"],
    ["{{ with .A }}[{{ . }}]{{ else }}else{{ end }}", "[]", "else", "else"],
    ['{{ range $i, $e := split "," .A }}{{ $i }}[{{ . }}{{ $e }}]{{ else }}else{{ end }}', "0[]", "else", "else"],
    ['{{ range split "," "a,b" }}[{{ . }}]{{ else }}else{{ end }}', "[a][b]", "else", "[a][b]"],
    ["{{ if 1 }}then{{ else }}else{{ end }}", "then", "else", "then"],
  ])("%s", async (text, yes, no, natural) => {
    expect(await forced(text, true)).toBe(yes);
    expect(await forced(text, false)).toBe(no);
    expect(await forced(text, undefined)).toBe(natural);
  });

  test("one condition at a time", async () => {
    const text = "{{ if .A }}a{{ end }}{{ if .B }}b{{ end }}";
    const result = await render(text, {}, { dialect: "v3", decide: ({ span }) => (span.start > 0 ? true : undefined) });
    expect(result.ok && result.text).toBe("b");
  });
});
