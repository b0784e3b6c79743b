import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatNumber, parseNumber } from "../../../src/telemetry/number.ts";
import { askGo } from "../config/template/oracle.ts";

describe("a sensor's output is read as Go's ParseFloat reads it", () => {
  test.each<[string, number]>([
    ["42", 42],
    ["42\n", 42],
    [" \t-0.5\r\n", -0.5],
    ["+7", 7],
    ["007", 7],
    [".5", 0.5],
    ["5.", 5],
    ["1e3", 1000],
    ["1E-3", 0.001],
    ["-1.5e+2", -150],
    ["1_000.5_0", 1000.5],
    ["1e1_0", 1e10],
    ["1.7976931348623157e308", Number.MAX_VALUE],
    ["1e-400", 0],
    ["+Inf", Number.POSITIVE_INFINITY],
    ["inf", Number.POSITIVE_INFINITY],
    ["-Infinity", Number.NEGATIVE_INFINITY],
    ["INFINITY", Number.POSITIVE_INFINITY],
    ["NaN", Number.NaN],
    ["nan", Number.NaN],
    ["0x1p-2", 0.25],
    ["-0X1.8P1", -3],
    ["0x.8p0", 0.5],
    ["0x1.p4", 16],
    ["0x_1_2.3_4_5p+1_2", 74565],
    ["0x0p99999", 0],
    ["0x1p-1074", Number.MIN_VALUE],
    ["0x1p-5000", 0],
    ["0x1.fffffffffffffp1023", Number.MAX_VALUE],
    // Half-way cases go to the even neighbour, a digit far behind decides.
    ["0x1.00000000000008p0", 1],
    ["0x1.00000000000018p0", 1.0000000000000004],
    [`0x1.00000000000008${"0".repeat(1000)}1p0`, 1.0000000000000002],
    [`${"1".padEnd(300, "0")}e-299`, 1],
  ])("%j is %d", (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });

  test.each([
    "",
    " ",
    "abc",
    "12a",
    "1 2",
    "1\n2",
    "1,5",
    "0x10",
    "0b1",
    "1e",
    "e5",
    ".",
    "-",
    "+-1",
    "--1",
    "_1",
    "1_",
    "1__0",
    "1_.5",
    "1._5",
    "1e_5",
    "0x__1p0",
    "0x_p0",
    "0xp0",
    "0x1p",
    "0x1.8",
    "+nan",
    "-NaN",
    "infi",
    "in f",
    "1e309",
    "-1e309",
    "0x1p1024",
    "true",
    "null",
    "١",
  ])("%j is refused", (text) => {
    expect(parseNumber(text)).toBeUndefined();
  });

  test("what ends in a long run of digits is refused in time", () => {
    expect(parseNumber(`${"1".repeat(1_000_000)}_`)).toBeUndefined();
    expect(parseNumber(`0x${"f".repeat(1_000_000)}p0`)).toBeUndefined();
  });
});

describe("samples are written as Go's FormatFloat(g, -1) writes them", () => {
  const numbers = [
    1,
    -1,
    0.1,
    0.6000000000000001,
    1 / 3,
    100_000,
    999_999,
    1_000_000,
    1_234_567,
    123_456_789,
    1e20,
    1e21,
    1e22,
    1.5e300,
    0.0001,
    0.00012,
    0.00001,
    1e-7,
    5e-324,
    -1e6,
    2 ** 53,
    2 ** 64,
    1_700_000_000.12,
  ];

  test("every one as Go itself", async () => {
    const template = numbers.map((number) => `{{printf "%g" ${number.toExponential()}}}`).join(" ");
    expect(await askGo(template, {})).toEqual({ text: numbers.map(formatNumber).join(" ") });
  });

  test.each<[number, string]>([
    [0, "0"],
    [-0, "-0"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
    [999_999.5, "999999.5"],
    [1e6, "1e+06"],
    [1.5e-5, "1.5e-05"],
    [1e100, "1e+100"],
  ])("%d is %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  test("each number reads back as itself", () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        expect(parseNumber(formatNumber(value))).toBe(value);
      }),
    );
  });
});
