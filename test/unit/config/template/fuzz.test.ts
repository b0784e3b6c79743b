import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conditions, visitNodes } from "../../../../src/config/template/analyse.ts";
import { decodeBytes, encodeBytes } from "../../../../src/config/template/bytes.ts";
import { ERRORS_MAX, OUTPUT_LENGTH_MAX } from "../../../../src/config/template/limits.ts";
import type { Dialect } from "../../../../src/config/template/node.ts";
import { render } from "../../../../src/config/template/render.ts";
import { parseTemplate } from "../../../../src/config/template/template.ts";
import { readCases } from "./cases.ts";
import { corpusDirectory, readCorpus } from "./corpus.ts";
import { template } from "./grammar.ts";

/** How many times the usual number of runs; a counterexample is reported with its seed. */
const FUZZ = Number(process.env.CONTAINERPILOT_FUZZ ?? 1);

const directory = corpusDirectory();
const files = directory ? readCorpus(directory).map(({ bytes }) => bytes) : [];
const cases = readCases().map(({ template }) => Buffer.from(encodeBytes(template)));

/** What breaks templates: delimiters, quotes, keywords, numbers, bytes that are not UTF-8. */
const PIECES = [
  ...[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "{{ end }}",
    "{{ else }}",
    "{{ if .X }}",
    "{{ range loop 9 }}",
    "{{ with .X }}",
    "{{/*",
    "*/}}",
  ],
  ...[
    '"',
    "'",
    "`",
    "(",
    ")",
    "|",
    "$x",
    ":=",
    ".",
    ".X",
    " ",
    "\n",
    "\\",
    "nil",
    "true",
    "0x",
    "1e9",
    "9".repeat(30),
    "i",
  ],
  ...[
    "printf",
    "%[9]*.*v",
    "regexReplaceAll",
    "(a*)*",
    "split",
    "index",
    "slice",
    "default",
    '{{ define "t" }}',
    '{{ template "t" . }}',
  ],
].map((piece) => Buffer.from(piece));

const piece = fc.oneof(
  fc.constantFrom(...PIECES),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
);
const edits = fc.array(fc.record({ at: fc.nat(), cut: fc.nat({ max: 8 }), put: piece }), {
  minLength: 1,
  maxLength: 4,
});

/** A text with some pieces cut out and others put in. */
const mutated = (texts: readonly Buffer[]): fc.Arbitrary<Uint8Array> =>
  fc.tuple(fc.constantFrom(...texts), edits).map(([text, changes]) =>
    changes.reduce<Buffer>((bytes, { at, cut, put }) => {
      const place = at % (bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + cut)]);
    }, text),
  );

const value = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("", "a,b,c", "1", "-5", "{{ .X }}", "é", "\udcff"));
const env = fc.dictionary(fc.constantFrom("X", "Y", "CONSUL", "PORT", "t"), value);
const dialect = fc.constantFrom<Dialect>("v2", "v3");

/** Renders, and demands of the answer what holds for any input. */
async function survive(text: string, variables: Record<string, string>, flavour: Dialect): Promise<void> {
  const result = await render(text, variables, { dialect: flavour });
  if (result.ok) {
    expect(result.text.length).toBeLessThanOrEqual(OUTPUT_LENGTH_MAX);
    for (const at of [0, result.text.length >> 1, result.text.length]) {
      const { sourceOffset } = result.map.at(at);
      expect(sourceOffset).toBeGreaterThanOrEqual(0);
      expect(sourceOffset).toBeLessThanOrEqual(text.length);
    }
    return;
  }
  expect(result.errors.length).toBeGreaterThan(0);
  expect(result.errors.length).toBeLessThanOrEqual(ERRORS_MAX + 1);
  for (const { stage, at, action, message } of result.errors) {
    expect(stage).toBe(result.errors[0]!.stage);
    expect(at).toBeGreaterThanOrEqual(0);
    expect(at).toBeLessThanOrEqual(text.length);
    expect(action.text).toBe(text.slice(action.start, action.end));
    expect(message).not.toBe("");
  }
}

describe("no input breaks the engine", () => {
  const inputs: [string, fc.Arbitrary<Uint8Array>, number][] = [
    [
      "random bytes between delimiters",
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.concat([Buffer.from("a{{ "), bytes, Buffer.from(" }}b")])),
      2000,
    ],
    ["a salad of pieces", fc.array(piece, { maxLength: 25 }).map((pieces) => Buffer.concat(pieces)), 2000],
    ["mutated cases", mutated(cases), 2000],
    ["mutated random templates", template.chain((text) => mutated([Buffer.from(text)])), 200],
  ];
  if (files.length > 0) inputs.push(["mutated real files", mutated(files), 400]);

  test.each(inputs)("%s", { timeout: 60_000 * FUZZ }, async (_, texts, numRuns) => {
    await fc.assert(
      fc.asyncProperty(texts, env, dialect, (bytes, variables, flavour) =>
        survive(decodeBytes(bytes), variables, flavour),
      ),
      { numRuns: numRuns * FUZZ },
    );
  });

  if (!directory) test("mutated real files", ({ skip }) => skip("no corpus: real files were NOT mutated"));

  test("nor the analysis", () => {
    fc.assert(
      fc.property(mutated(cases), (bytes) => {
        const parsed = parseTemplate(decodeBytes(bytes), { dialect: "v3" });
        if (!parsed.ok) return;
        let branches = 0;
        visitNodes(parsed.template, ({ kind }) => {
          if (kind === "if" || kind === "with" || kind === "range") branches++;
        });
        expect(conditions(parsed.template).length).toBeLessThanOrEqual(branches);
      }),
      { numRuns: 1000 * FUZZ },
    );
  });
});

describe("bytes", () => {
  test("any bytes survive as text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        expect(Buffer.from(encodeBytes(decodeBytes(bytes)))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test("a text without actions is its own rendering, to the byte", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 30 }), async (bytes) => {
        const text = decodeBytes(bytes);
        if (text.includes("{{")) return;
        // The second time with an action that prints nothing, so that the engine has a part in it.
        for (const source of [text, `{{/**/}}${text}`]) {
          const result = await render(source, {}, { dialect: "v3" });
          expect(result.ok && Buffer.from(encodeBytes(result.text))).toEqual(Buffer.from(bytes));
        }
      }),
    );
  });

  test.each<[string, number[]]>([
    ["overlong forms", [0xc0, 0x80, 0xe0, 0x80, 0x80]],
    ["surrogates", [0xed, 0xa0, 0x80]],
    ["beyond Unicode", [0xf4, 0x90, 0x80, 0x80]],
    ["cut short", [0xe2, 0x82]],
  ])("%s are no characters", (_, bytes) => {
    expect(decodeBytes(Uint8Array.from(bytes))).toHaveLength(bytes.length);
  });

  test("the replacement character is one", () => {
    expect(decodeBytes(Buffer.from("\ufffd"))).toBe("\ufffd");
    expect(decodeBytes(Uint8Array.of(0xff, 0xef, 0xbf, 0xbd))).toBe("\udcff\ufffd");
  });
});
