import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeBytes } from "../../../../src/config/template/bytes.ts";
import { render } from "../../../../src/config/template/render.ts";
import type { Origin, SourceMap } from "../../../../src/config/template/sourcemap.ts";
import { ENV, template } from "./grammar.ts";

async function rendered(text: string, env: Record<string, string> = {}): Promise<{ text: string; map: SourceMap }> {
  const result = await render(text, env, { dialect: "v3" });
  if (!result.ok) throw new Error(result.errors[0]!.message);
  return result;
}

/** `name` for a variable that has a value, `name!` for one that is not set, `name?` for an empty one. */
const names = ({ variables }: Pick<Origin, "variables">): string[] =>
  variables.map(({ name, set, empty }) => name + (set ? (empty ? "?" : "") : "!"));

/** The origin of the first occurrence of a piece of the rendering. */
async function originOf(piece: string, text: string, env: Record<string, string> = {}): Promise<Origin> {
  const result = await rendered(text, env);
  const at = result.text.indexOf(piece);
  expect(at, `"${piece}" in ${result.text}`).toBeGreaterThanOrEqual(0);
  return result.map.at(at);
}

describe("literal text", () => {
  test("maps to the same character of the source", async () => {
    const source = "ab\n{{ .X }}cd\n{{- .X -}}\n  ef {{/* note */}}gh";
    const { text, map } = await rendered(source, { X: "xyz" });
    expect(text).toBe("ab\nxyzcdxyzef gh");
    for (const char of "abcdefgh") {
      expect(map.at(text.indexOf(char))).toMatchObject({ kind: "text", sourceOffset: source.indexOf(char) });
    }
  });

  test("without actions nothing moves", async () => {
    const { map } = await rendered("abc");
    expect(map.at(2)).toEqual({ kind: "text", sourceOffset: 2, variables: [], branches: [] });
    expect(map.silent(0, 3)).toEqual([]);
  });

  test("behind the end it is the end", async () => {
    const source = "a{{ .X }}b";
    const { map } = await rendered(source);
    expect(map.at(2).sourceOffset).toBe(source.length);
    expect(map.at(1000).sourceOffset).toBe(source.length);
    expect((await rendered("{{ if 0 }}a{{ end }}")).map.at(0)).toMatchObject({ kind: "branch", sourceOffset: 0 });
  });
});

describe("generated text", () => {
  test("maps to its action and names the variables", async () => {
    const origin = await originOf("8000", "port: {{ .PORT | default 8000 }},");
    expect(origin).toMatchObject({ kind: "action", sourceOffset: 6 });
    expect(origin.action).toEqual({ start: 6, end: 32, text: "{{ .PORT | default 8000 }}" });
    expect(names(origin)).toEqual(["PORT!"]);
  });

  test.each<[string, string, string[]]>([
    ["a field", "{{ .A }}x", ["A"]],
    ["the root variable", "{{ $.A }}x", ["A"]],
    ["env", '{{ env "A" }}x', ["A"]],
    ["index", '{{ index . "A" }}x', ["A"]],
    ["several", '{{ printf "%s%s" .A .B }}x', ["A", "B"]],
    ["one that is empty and one that is missing", "{{ or .E .N .A }}x", ["E?", "N!", "A"]],
    ["not what a short circuit skips", "{{ or .A .B }}x", ["A"]],
    ["each once", '{{ printf "%s%s" .A .A }}x', ["A"]],
    ["a variable of the template", "{{ $v := .A }}{{ $v }}x", ["A"]],
    ["an assigned one", '{{ $v := .A }}{{ $v = printf "%s%s" $v .B }}{{ $v }}x', ["A", "B"]],
    ["what `with` binds", "{{ with .A }}{{ . }}x{{ end }}", ["A"]],
    ["what `with` declares", "{{ with $v := .A }}{{ $v }}x{{ end }}", ["A"]],
    ["elements of a range", '{{ range split "," .L }}{{ . }}x{{ end }}', ["L"]],
    ["variables of a range", '{{ range $i, $e := split "," .L }}{{ $e }}x{{ end }}', ["L"]],
    ["a range over the environment", '{{ range $k, $v := . }}{{ if eq $k "B" }}{{ $v }}x{{ end }}{{ end }}', ["B"]],
    ["through a template", '{{ define "t" }}{{ . }}x{{ end }}{{ template "t" .A }}', ["A"]],
    ["through the root of a template", '{{ define "t" }}{{ $.A }}x{{ end }}{{ template "t" . }}', ["A"]],
    ["computed names", '{{ env (printf "%s" .P) }}x', ["P", "A"]],
    ["none", "{{ 5 }}x", []],
  ])("%s", async (_, source, expected) => {
    const { text, map } = await rendered(source, { A: "1", B: "2", E: "", L: "l", P: "A" });
    const before = text.indexOf("x") - 1;
    expect(names(map.at(before))).toEqual(expected);
    expect(map.at(before).kind).toBe("action");
  });

  test("values stay out of it", async () => {
    expect(JSON.stringify(await originOf("secret", "{{ .TOKEN }}", { TOKEN: "secret" }))).not.toContain("secret");
  });
});

describe("what printed nothing", () => {
  test("stands between its neighbours", async () => {
    const { text, map } = await rendered('{ "port": {{ .PORT }}, "name": "{{ .NAME }}" }');
    const comma = text.indexOf(",");
    const [hole, ...others] = map.silent(comma - 1, comma);
    expect(others).toEqual([]);
    expect(hole).toMatchObject({ kind: "action", sourceOffset: 10, action: { text: "{{ .PORT }}" } });
    expect(names(hole!)).toEqual(["PORT!"]);
    expect(map.at(comma)).toMatchObject({ kind: "text", sourceOffset: 21 });
    const quote = text.indexOf('""') + 1;
    expect(map.silent(quote, quote).map(names)).toEqual([["NAME!"]]);
    expect(map.silent(0, text.length).map(names)).toEqual([["PORT!"], ["NAME!"]]);
  });

  test("is also a branch that was not taken, or had nothing to say", async () => {
    const { map } = await rendered('a{{ if .X }}b{{ end }}c{{ range split "," .Y }}d{{ end }}e{{ with .Z }}{{ end }}', {
      Z: "z",
    });
    expect(map.silent(0, 10).map((origin) => [origin.kind, origin.action!.text, ...names(origin)])).toEqual([
      ["branch", "{{ if .X }}", "X!"],
      ["branch", '{{ range split "," .Y }}', "Y!"],
      ["branch", "{{ with .Z }}", "Z"],
    ]);
  });

  test("declarations are no holes", async () => {
    expect((await rendered("a{{ $x := .X }}b")).map.silent(0, 2)).toEqual([]);
  });
});

describe("branches around a piece", () => {
  test("the innermost first, with the way they went", async () => {
    const origin = await originOf(
      "x",
      '{{ if .A }}{{ range split "," .L }}{{ with .Q }}{{ else }}x{{ end }}{{ end }}{{ end }}'.replace(
        "with .Q",
        "with $.Q",
      ),
      { A: "1", L: "a" },
    );
    expect(
      origin.branches.map(({ action, taken, variables }) => [action.text, taken, ...names({ variables })]),
    ).toEqual([
      ["{{ with $.Q }}", "else", "Q!"],
      ['{{ range split "," .L }}', "then", "L"],
      ["{{ if .A }}", "then", "A"],
    ]);
  });

  test("else if is an if in an else", async () => {
    const origin = await originOf("x", "{{ if .A }}{{ else if .B }}x{{ end }}", { B: "1" });
    expect(origin.branches.map(({ action, taken }) => [action.text, taken])).toEqual([
      ["{{ else if .B }}", "then"],
      ["{{ if .A }}", "else"],
    ]);
  });

  test("templates are seen through", async () => {
    const origin = await originOf("x", '{{ define "t" }}x{{ end }}{{ if .A }}{{ template "t" }}{{ end }}', { A: "1" });
    expect(origin.branches.map(({ action }) => action.text)).toEqual(["{{ if .A }}"]);
  });
});

test("bytes that become a character together do not shift what follows", async () => {
  const source = "{{ slice .U 0 1 }}{{ slice .U 1 }}-{{ .A }}";
  const { text, map } = await rendered(source, { U: "é", A: "a" });
  expect(text).toBe("é-a");
  expect(map.at(1)).toMatchObject({ kind: "text", sourceOffset: source.indexOf("-") });
  expect(map.at(2)).toMatchObject({ kind: "action", sourceOffset: source.indexOf("{{ .A") });
});

test("every literal character of random templates maps to itself", async () => {
  await fc.assert(
    fc.asyncProperty(template, async (source) => {
      const result = await render(source, ENV, { dialect: "v3" });
      if (!result.ok || encodeBytes(result.text).length > 100_000) return;
      for (let at = 0; at < result.text.length; at++) {
        const origin = result.map.at(at);
        if (origin.kind === "text") expect(source[origin.sourceOffset]).toBe(result.text[at]);
        else {
          expect(origin.action!.text).toMatch(/^\{\{.*\}\}$/s);
          expect(source.startsWith(origin.action!.text, origin.sourceOffset)).toBe(true);
        }
      }
    }),
    { numRuns: 150 },
  );
});
