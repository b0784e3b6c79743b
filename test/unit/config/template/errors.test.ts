import { describe, expect, test } from "vitest";
import { render } from "../../../../src/config/template/render.ts";

/** Every error as `stage code @at «action» message`. */
async function errorsOf(text: string, env: Record<string, string> = {}): Promise<string[]> {
  const result = await render(text, env, { dialect: "v3" });
  if (result.ok) throw new Error(`rendered: ${result.text}`);
  for (const { action, at } of result.errors) {
    expect(action.text).toBe(text.slice(action.start, action.end));
    expect(at).toBeGreaterThanOrEqual(0);
    expect(at).toBeLessThanOrEqual(text.length);
  }
  return result.errors.map(
    ({ stage, code, at, action, message }) => `${stage} ${code} @${at} «${action.text}» ${message}`,
  );
}

describe("one error", () => {
  test.each<[string, string]>([
    [
      "a: {{ CONSUL }}",
      "parse undefined-function @6 «{{ CONSUL }}» the function CONSUL is not defined; the variable CONSUL of the environment is written .CONSUL",
    ],
    ["{{ .X | defualt 5 }}", "parse undefined-function @8 «{{ .X | defualt 5 }}» the function defualt is not defined"],
    [
      '{{ .X | default("a") }}',
      'parse syntax @15 «{{ .X | default("a") }}» unexpected `(` in the action; arguments follow the function\'s name, separated by blanks, without parentheses and commas',
    ],
    ["{{ .X", "parse unclosed @0 «{{ .X» the action is never closed: `}}` is missing"],
    ["a {{ .X\nb", "parse unclosed @2 «{{ .X» the action is never closed: `}}` is missing"],
    ["a {{ .X\nb {{ .Y }}", "parse unclosed @2 «{{ .X» the action is not closed before the next one: `}}` is missing"],
    ["{{ if .X }}a", "parse missing-end @0 «{{ if .X }}» `if` has no `end`"],
    ["a {{ end }}", "parse syntax @2 «{{ end }}» unexpected `end`: no `if`, `with` or `range` is open"],
    ['{{ "a }}', 'parse unclosed @3 «{{ "a }}» a " is not closed before the end of the line'],
    ["{{ (.X }}", "parse unclosed @7 «{{ (.X }}» a parenthesis is not closed before `}}`"],
    ["{{/* x }}", "parse unclosed @2 «{{/* x }}» the comment is never closed: `*/}}` is missing"],
    ["{{ }}", "parse syntax @3 «{{ }}» the action needs a value"],
    ["{{ if }}{{ end }}", "parse syntax @6 «{{ if }}» `if` needs a value"],
    ["{{ .X | 5 }}", "parse syntax @8 «{{ .X | 5 }}» only a function can stand behind `|`"],
    ["{{ $x }}", "parse undefined-variable @3 «{{ $x }}» the variable $x is not declared"],
    ["{{ .FOO-BAR }}", "parse syntax @7 «{{ .FOO-BAR }}» unexpected `-` after `.FOO`"],
    [
      "{{ template x }}",
      "parse syntax @12 «{{ template x }}» unexpected `x` in `template`, which needs a name in quotes",
    ],
    ["{{ 08 }}", 'parse syntax @3 «{{ 08 }}» integer overflow: "08"'],
    ["{{ €5 }}", "parse syntax @3 «{{ €5 }}» unexpected `€` in an action"],
    ["{{ \u00a05 }}", "parse syntax @3 «{{ \u00a05 }}» unexpected U+00A0 in an action"],
    ["{{ .A.B }}", "execute field @3 «{{ .A.B }}» .B asks for a field of a value of type string, which has none"],
    [
      "{{ if eq .A 1 }}{{ end }}",
      'execute call @6 «{{ if eq .A 1 }}» eq: incompatible types for comparison: string and int; variables of the environment are strings, compare them with "…"',
    ],
    ["x{{ range .A }}{{ end }}", "execute range @10 «{{ range .A }}» range cannot iterate over a value of type string"],
    ["{{ index .A 5 }}", "execute call @3 «{{ index .A 5 }}» index: index out of range: 5"],
    [
      '{{ join "," .A }}',
      'execute arguments @12 «{{ join "," .A }}» join needs a []string; found a value of type string',
    ],
    ["{{ default 1 }}", "execute arguments @3 «{{ default 1 }}» wrong number of arguments for default: want 2, got 1"],
    ['{{ template "x" }}', 'execute undefined-template @0 «{{ template "x" }}» the template "x" is not defined'],
    [
      "a{{ range loop 1000000000 }}{{ end }}",
      "execute limit @1 «{{ range loop 1000000000 }}» the template takes more than 1000000 steps",
    ],
    [
      '{{ regexReplaceAll "(" "" .A }}',
      'execute call @3 «{{ regexReplaceAll "(" "" .A }}» regexReplaceAll: error parsing regexp: missing closing ): `(`',
    ],
  ])("%s", async (text, expected) => {
    expect(await errorsOf(text, { A: "a" })).toEqual([expected]);
  });
});

describe("all errors of a text at once", () => {
  test("in the order of the text, without consequences of their own", async () => {
    const text = [
      "{{ if FOO }}",
      "  {{ .X | nosuch }}",
      '  {{ .Y | default("a") }}',
      "{{ else if $q }}",
      "  {{ 1.2.3 }} {{ .OK }}",
      "{{ end }}",
      '{{ define "t" }}{{ "x }}{{ end }}',
      "{{ end }}",
      "{{ .Z",
    ].join("\n");
    expect((await errorsOf(text)).map((error) => error.split(" ")[1])).toEqual([
      "undefined-function",
      "undefined-function",
      "syntax",
      "undefined-variable",
      "syntax",
      "unclosed",
      "syntax",
      "unclosed",
    ]);
  });

  test("a broken `end` ends its block all the same", async () => {
    expect(await errorsOf("{{ if .X }}a{{ end x }}b")).toHaveLength(1);
  });

  test("a second `else` does not end the block", async () => {
    expect(await errorsOf("{{ if .X }}{{ else }}{{ else }}{{ end }}")).toHaveLength(1);
  });

  test("an unclosed action does not swallow the next one", async () => {
    expect(await errorsOf("{{ .X } \n {{ .Y }} {{ nosuch }}")).toHaveLength(2);
  });
});

test("misspelt names come with what is allowed", async () => {
  const result = await render("{{ .X | defualt 5 }}", {}, { dialect: "v2" });
  expect(!result.ok && result.errors[0]!.allowed).toContain("default");
  expect(!result.ok && result.errors[0]!.allowed).not.toContain("loop");
  const variable = await render("{{ $abc := 1 }}{{ $abd }}", {}, { dialect: "v2" });
  expect(!variable.ok && variable.errors[0]!.allowed).toEqual(["$", "$abc"]);
  const template = await render('{{ define "abc" }}{{ end }}{{ template "abd" }}', {}, { dialect: "v2" });
  expect(!template.ok && template.errors[0]!.allowed).toEqual(["abc"]);
});

test("2.x says that a function exists elsewhere", async () => {
  const result = await render('{{ env "X" }}', {}, { dialect: "v2" });
  expect(!result.ok && result.errors[0]!.message).toBe("the function env is not defined in a 2.x configuration");
});
