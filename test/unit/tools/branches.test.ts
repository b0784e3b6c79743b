import { describe, expect, it } from "vitest";
import { check } from "../../../src/tools/check.ts";
import { COMBINATIONS_MAX, combinations } from "../../../src/tools/combinations.ts";

/** First lines of what is said, and the last one. */
async function branches(config: string, env: string[] = []): Promise<{ heads: string[]; last: string; code: number }> {
  const options = { envFile: [], inherit: false, json: false, strict: false, allBranches: true, colour: false };
  const { text, code } = await check(config, ["/bin/app"], { ...options, env }, {});
  const lines = text.split("\n");
  return {
    heads: lines.filter((line) => /^-config:\d/.test(line)),
    last: lines.find((line) => line.startsWith("-config: ")) ?? "",
    code,
  };
}

const SERVICE = '{"name": "web", "port": 80, "poll": 5, "ttl": 10, "interfaces": "static:10.0.0.1"}';

describe("--all-branches", () => {
  it("finds a comma that only one outcome leaves over, and says which", async () => {
    const { heads, code } = await branches(
      `{"consul": "c:1", "services": [${SERVICE}, {{ if .API }}${SERVICE.replace("web", "api")},{{ end }},]}`,
      [],
    );
    expect(code).toBe(2);
    expect(heads[0]).toContain("{{ if .API }} printed nothing: API is not set");
    expect(heads[1]).toContain("only where {{ if .API }} is taken (API)");
  });

  it("finds nothing where every outcome is right", async () => {
    const config = `{"consul": "{{ if .DEV }}localhost{{ else }}consul{{ end }}:8500",
      "services": [${SERVICE}{{ if .ADMIN_PORT }}, ${SERVICE.replace("web", "admin").replace("80", "{{ .ADMIN_PORT }}")}{{ end }}]
      {{ if .TASK }}, "tasks": [{"name": "{{ .TASK }}", "command": "x", "frequency": {{ .EVERY | default 5 }}}]{{ end }}}`;
    expect(await branches(config)).toEqual({ heads: [], last: "-config: right; 8 renderings tried", code: 0 });
  });

  it("finds a misspelt key in a branch that is not taken here", async () => {
    const { heads } = await branches(`{"consul": "c:1"{{ if .BACKENDS }}, "bakends": []{{ end }}}`);
    expect(heads).toEqual([
      "-config:1:37  bakends: unknown key; did you mean backends?; only where {{ if .BACKENDS }} is taken (BACKENDS)",
    ]);
  });

  it("finds what is wrong where a variable is not set, although it is", async () => {
    const { heads } = await branches(`{"consul": {{ if .CONSUL }}"{{ .CONSUL }}"{{ end }}, "services": []}`, [
      "CONSUL=c:1",
    ]);
    expect(heads).toHaveLength(1);
    expect(heads[0]).toContain("expected a value for consul");
    expect(heads[0]).toContain("only where {{ if .CONSUL }} is not taken (CONSUL)");
  });

  it("names just the conditions that a fault needs", async () => {
    const { heads } = await branches(
      `{"consul": "c:1"{{ if .A }}, "tasks": []{{ end }}{{ if .B }}{{ if .C }}, "x": 1{{ end }}{{ end }}{{ if .D }}, "backends": []{{ end }}}`,
    );
    expect(heads).toHaveLength(1);
    expect(heads[0]).toMatch(/only where \{\{ if \.B \}\} is taken \(B\) and \{\{ if \.C \}\} is taken \(C\)$/);
  });

  it("decides equal conditions together", async () => {
    const open = '{{ if .TLS }}{"address": "{{ end }}';
    const close = '{{ if .TLS }}"}{{ end }}';
    const config = `{"consul": ${open}{{ if not .TLS }}"{{ end }}c:1{{ if not .TLS }}"{{ end }}${close}}`;
    const { last } = await branches(config);
    expect(last).toContain("4 renderings tried");
  });

  it("takes each kind of condition: comparisons, with, range and their else", async () => {
    const { heads } = await branches(
      `{"consul": "c:1"
        {{ if eq .MODE "a" }}, "a": 1{{ else if eq .MODE "b" }}, "b": 1{{ else }}{{ end }}
        {{ with .W }}, "w": 1{{ end }}
        {{ range (split "," .R) }}, "r": 1{{ else }}, "n": 1{{ end }}}`,
    );
    expect(heads.map((line) => /(\w+): unknown key/.exec(line)?.[1]).sort()).toEqual(["a", "b", "n", "r", "w"]);
  });

  it("does not blame the stand-ins it uses for variables", async () => {
    const config = `{"consul": "c:1"{{ if .NAME }}, "backends": [{"name": "{{ .NAME }}", "poll": {{ .POLL | default 5 }}, "onChange": "x"}]{{ end }}
      {{ if .LEVEL }}, "logging": {"level": "{{ .LEVEL }}"}{{ end }}}`;
    const { heads } = await branches(config);
    expect(heads.filter((line) => line.includes("backends"))).toEqual([]);
  });

  it("says so where it does not try everything", async () => {
    const many = Array.from({ length: 12 }, (_, n) => `{{ if .V${n} }}{{ end }}`).join("");
    const { last } = await branches(`{"consul": "c:1"${many}}`);
    expect(last).toMatch(/^-config: right; \d+ renderings tried, which are not all$/);
  });
});

describe("combinations", () => {
  it.each([0, 1, 3, 9])("are all of %d choices", (choices) => {
    const { list, complete } = combinations(choices);
    expect(complete).toBe(true);
    expect(new Set(list.map(String)).size).toBe(choices === 0 ? 0 : 2 ** choices);
  });

  it.each([10, 40, 1000])("of %d choices are bounded, each choice both ways", (choices) => {
    const { list, complete } = combinations(choices);
    expect(complete).toBe(false);
    expect(list.length).toBeLessThanOrEqual(COMBINATIONS_MAX);
    for (let index = 0; index < Math.min(choices, 200); index += 1) {
      expect(new Set(list.map((outcomes) => outcomes[index]))).toEqual(new Set([true, false, undefined]));
    }
  });
});
