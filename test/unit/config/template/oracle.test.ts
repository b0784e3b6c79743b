import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { render } from "../../../../src/config/template/render.ts";
import { readCases } from "./cases.ts";
import { ENV, printing, template } from "./grammar.ts";
import { type Answer, askGo, ourAnswer, verdict } from "./oracle.ts";

/** What Go's engine without ContainerPilot's functions and with missingkey=error cannot answer. */
const OURS_ALONE = /\b(?:default|env|split|join|replaceAll|regexReplaceAll|loop)\b/;
/** How many times the usual number of random templates; a counterexample is reported with its seed. */
const FUZZ = Number(process.env.CONTAINERPILOT_FUZZ ?? 1);

const MISSING_KEY = /no entry for key/;

const answerable = readCases().filter(({ file, template }) => file !== "environment.txt" && !OURS_ALONE.test(template));

describe("Go's own engine", () => {
  test("can answer most cases", () => {
    expect(answerable.length).toBeGreaterThan(500);
  });

  test("agrees with every case that it can answer", { timeout: 60_000 }, async () => {
    const different: string[] = [];
    let asked = 0;
    for (const { file, line, template, env, dialect } of answerable) {
      const go = await askGo(template, env);
      if ("refused" in go && MISSING_KEY.test(go.why)) continue;
      const ours = ourAnswer(await render(template, env, { dialect }));
      asked++;
      if (verdict(go) !== verdict(ours)) different.push(describeBoth(`${file}:${line} ${template}`, go, ours));
    }
    expect(different).toEqual([]);
    expect(asked).toBeGreaterThan(500);
  });

  test.each([
    ["actions", printing, 400],
    ["templates", template, 150],
  ])("agrees with random %s", { timeout: 60_000 * FUZZ }, async (_, texts, numRuns) => {
    let compared = 0;
    let rendered = 0;
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const go = await askGo(text, ENV);
        if ("refused" in go && MISSING_KEY.test(go.why)) return;
        const ours = ourAnswer(await render(text, ENV, { dialect: "v2" }));
        compared++;
        if ("text" in go) rendered++;
        expect(verdict(ours), describeBoth(text, go, ours)).toBe(verdict(go));
      }),
      { numRuns: numRuns * FUZZ },
    );
    // Nothing but refused templates would prove little.
    expect(rendered).toBeGreaterThan(compared / 3);
  });
});

function describeBoth(what: string, go: Answer, ours: Answer): string {
  const short = (answer: Answer) => JSON.stringify(answer).slice(0, 300);
  return `${what}\n  Go   ${short(go)}\n  ours ${short(ours)}`;
}
