import { describe, expect, test } from "vitest";
import { decodeBytes, encodeBytes } from "../../../../src/config/template/bytes.ts";
import { render } from "../../../../src/config/template/render.ts";
import { corpusDirectory, readCorpus } from "./corpus.ts";

const directory = corpusDirectory();
const corpus = directory ? readCorpus(directory) : [];

/** Besides a case's own variables only these exist, and no file names them. */
const AMBIENT = { PATH: "/usr/bin", HOME: "/root" };

describe.runIf(directory)("the originals' renderings of real files", () => {
  test("are there", () => {
    expect(corpus.flatMap(({ cases }) => cases).length).toBeGreaterThanOrEqual(239);
  });

  for (const { name, dialect, bytes, cases } of corpus) {
    test.each(cases)(`${name} $id`, async ({ env, render: recorded, deliberate }) => {
      const result = await render(decodeBytes(bytes), { ...env, ...AMBIENT }, { dialect });
      if (!recorded.ok) {
        expect(recorded.class).toBe("template");
        expect(result.ok).toBe(false);
        return;
      }
      const wanted = recorded.same_as_file ? bytes.toString("latin1") : Buffer.from(recorded.text!).toString("latin1");
      const better = deliberate?.text === undefined ? wanted : Buffer.from(deliberate.text).toString("latin1");
      const got = result.ok ? Buffer.from(encodeBytes(result.text)).toString("latin1") : JSON.stringify(result.errors);
      expect(got).toBe(got === better ? better : wanted);
    });
  }
});

if (!directory) {
  test("corpus", ({ skip }) => {
    skip("no corpus at CONTAINERPILOT_CORPUS or ../shared/corpus: the renderings of real files were NOT compared");
  });
}
