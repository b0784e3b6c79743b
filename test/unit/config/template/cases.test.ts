import { expect, test } from "vitest";
import { encodeBytes } from "../../../../src/config/template/bytes.ts";
import { render } from "../../../../src/config/template/render.ts";
import { readCases } from "./cases.ts";

const cases = readCases();

test("there are enough cases", () => {
  expect(cases.length).toBeGreaterThan(700);
});

for (const { file, line, dialect, env, template, expected } of cases) {
  test(`${file}:${line} ${template}`, async () => {
    const result = await render(template, env, { dialect });
    if ("text" in expected) {
      // Bytes that are not UTF-8 stand as U+FFFD in the case files.
      expect(result.ok ? Buffer.from(encodeBytes(result.text)).toString() : result.errors[0]).toBe(expected.text);
    } else {
      expect(result.ok ? result.text : { stage: result.errors[0]!.stage, code: result.errors[0]!.code }).toEqual(
        expected.refused,
      );
    }
  });
}
