import { parse } from "@humanwhocodes/momoa";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Marks, readJson5 } from "../../../src/config/json5.ts";

function read(text: string): unknown {
  const result = readJson5(text, 64);
  if (!result.ok) throw new Error(`${result.fault.code} at ${result.fault.offset}: ${result.fault.expected}`);
  return result.value;
}

/** Offset and expectation of the fault. */
function fault(text: string): string {
  const result = readJson5(text, 64);
  if (result.ok) throw new Error("read");
  const { offset, expected, key } = result.fault;
  return `${offset} ${expected}${key === undefined ? "" : ` (${key})`}`;
}

describe("what ContainerPilot 3's reader takes", () => {
  it.each<[string, unknown]>([
    ["// c\n{a: 1, /* c\n*/ b: 2,} // d", { a: 1, b: 2 }],
    ["{a/*x*/:1}", { a: 1 }],
    ["[1, 2,]", [1, 2]],
    [`{'a': "b", "c": 'd'}`, { a: "b", c: "d" }],
    ["{a: 'x\\\ny'}", { a: "xy" }],
    ["[.5, 5., +1, 0x1F, -0x10, 1e3, 1E-2, -.5]", [0.5, 5, 1, 31, -16, 1000, 0.01, -0.5]],
    [
      "[Infinity, -Infinity, +Infinity]",
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    ],
    ["[NaN]", [Number.NaN]],
    ["{$a_1: 1, _: 2, if: 3, null: 4, true: 5}", { $a_1: 1, _: 2, if: 3, null: 4, true: 5 }],
    ["\f\ufeff{}\u00a0", {}],
    ['"\\u0041\\x41\\n\\t\\v\\0\\\'\\q"', "AA\n\t\v\0'q"],
    ["{a: 1, a: 2}", { a: 2 }],
    ["null", null],
    ["/* a * b / c */ 1", 1],
    ["/** http://x */ 1", 1],
    ["'it\"s'", 'it"s'],
    ["{grüße: 1}", { grüße: 1 }],
    ["'\t'", "\t"],
  ])("%j", (text, value) => expect(read(text)).toEqual(value));

  it("does not let a key reach the prototype", () => {
    const value = read('{"__proto__": {"port": 1}}') as { port?: number };
    expect(value.port).toBeUndefined();
    expect(Object.keys(value)).toEqual(["__proto__"]);
  });
});

describe("faults", () => {
  it.each([
    ["", "0 a value"],
    ["  ", "2 a value"],
    ["{port: ,}", "7 a value (port)"],
    ['{"port": }', "9 a value (port)"],
    ["{,}", "1 a key or }"],
    ["[,]", "1 a value or ]"],
    ["[1,,2]", "3 a value"],
    ["{a: 1,, b: 2}", "6 a key"],
    ["{a: 1 b: 2}", "6 a comma or }"],
    ["[1 2]", "3 a comma or ]"],
    ["{a 1}", "3 a colon (a)"],
    ["{a-b: 1}", "2 a colon (a)"],
    ["{a: [poll]}", "5 a value or ]"],
    ["{a: 01}", "4 a value (a)"],
    ["{a: 1x}", "4 a value (a)"],
    ["{a: 1.2.3}", "4 a value (a)"],
    ["{a: 'x\n'}", "4 ' at the end of the text, on the same line"],
    ['{a: "x}', '4 " at the end of the text, on the same line'],
    ["{} {}", "3 nothing more: the top-level value has ended"],
    ["/* {", "0 */ at the end of the comment"],
    ["'\\u12'", "1 4 hexadecimal digits after \\u"],
    ["'\\1'", "1 no digit after a backslash"],
    ["<>", "0 a value"],
    ["{a: undefined}", "4 a value (a)"],
    ["{a: [1, {b: 2", "13 a comma or }"],
    ["{1: 2}", "1 a key or }"],
  ])("%j", (text, expected) => expect(fault(text)).toBe(expected));

  it("bounds the nesting, whatever its depth", () => {
    expect(readJson5("[".repeat(64) + "]".repeat(64), 64).ok).toBe(true);
    const deep = readJson5("[".repeat(10_000), 64);
    expect(!deep.ok && deep.fault).toMatchObject({ code: "too-deep", offset: 64 });
  });
});

describe("marks", () => {
  it("tell where keys and values stand, and which keys repeat", () => {
    const marks: Marks = { of: new Map(), repeated: [] };
    const text = "{a: [1, 'x'], b: {c: 2}, a: 3}";
    const result = readJson5(text, 64, marks);
    const value = (result.ok && result.value) as { b: object };
    expect(marks.of.get(value)?.get("b")).toEqual({ key: 14, value: 17, end: 23 });
    expect(marks.of.get(value.b)?.get("c")).toEqual({ key: 18, value: 21, end: 22 });
    expect(marks.repeated).toEqual([{ offset: 25, first: 1, key: "a" }]);
    const list = readJson5("[ 1, 'x']", 64, marks);
    expect(list.ok && marks.of.get(list.value as object)?.get(1)).toEqual({ value: 5, end: 8 });
  });
});

/** The tree of another JSON5 reader, as values. */
function momoa(text: string): unknown {
  type Node = ReturnType<typeof parse>["body"];
  const value = (node: Node): unknown => {
    switch (node.type) {
      case "Object":
        return Object.fromEntries(
          node.members.map(({ name, value: inner }) => [name.type === "String" ? name.value : name.name, value(inner)]),
        );
      case "Array":
        return node.elements.map((element) => value(element.value));
      case "Null":
        return null;
      case "NaN":
        return Number.NaN;
      case "Infinity":
        return node.sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      default:
        return node.value;
    }
  };
  return value(parse(text, { mode: "json5" }).body);
}

describe("against others", () => {
  it("reads every JSON as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(read(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  // It does not read a point behind a sign.
  it("agrees with momoa on JSON5", () => {
    const blank = fc.constantFrom("", " ", "\n", "/* * / */", "// x\n");
    const leaf = fc.oneof(
      fc.constantFrom("1", "-0x1f", ".5", "5.", "'a'", '"b\'"', "'\\x41\\\n'", "true", "null", "Infinity", "-Infinity"),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    );
    const { value } = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.tuple(blank, fc.array(tie("value"), { maxLength: 3 }), fc.boolean()).map(([space, items, comma]) => {
          return `[${space}${items.join(`,${space}`)}${comma && items.length > 0 ? "," : ""}]`;
        }),
        fc.tuple(blank, fc.dictionary(fc.constantFrom("a", "$b", "_c"), tie("value"), { maxKeys: 3 })).map(
          ([space, pairs]) =>
            `{${space}${Object.entries(pairs)
              .map(([key, item]) => `${key} :${space}${item}`)
              .join(",")}}`,
        ),
      ),
    }));
    fc.assert(
      fc.property(value, (text) => {
        expect(read(text)).toEqual(momoa(text));
      }),
    );
  });

  it("ends on any text without throwing", () => {
    const piece = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "'",
      '"',
      "\\",
      "a",
      "1",
      "/",
      "*",
      "\n",
      "0x",
      "e",
      "-",
      ".",
      "\u2028",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join("");
        const result = readJson5(text, 8);
        if (!result.ok) {
          expect(result.fault.offset).toBeGreaterThanOrEqual(0);
          expect(result.fault.offset).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
