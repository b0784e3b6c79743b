import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../../src/config/durations.ts";

describe("parseDuration", () => {
  it.each([
    ["1", 1000],
    ["10", 10_000],
    ["0", 0],
    ["-5", -5000],
    ["+5", 5000],
    ["1ns", 1e-6],
    ["1us", 1e-3],
    ["1\u00b5s", 1e-3],
    ["1\u03bcs", 1e-3],
    ["1ms", 1],
    ["1s", 1000],
    ["1m", 60_000],
    ["1h", 3_600_000],
    ["1h10m", 4_200_000],
    ["1500ms", 1500],
    ["1.5h", 5_400_000],
    [".5s", 500],
    ["5.s", 5000],
    ["-1.5s", -1500],
    ["1m30s", 90_000],
  ])("%s is %d ms", (text, ms) => expect(parseDuration(text, true)).toBe(ms));

  it.each([
    "",
    "asf",
    "20yy",
    "10.1",
    "5 s",
    " 5",
    "1.5",
    "s",
    "-",
    "+",
    ".s",
    "1h x",
    "1d",
    "0x10",
    "1e3",
    "9999999999999",
  ])("%j is none", (text) => expect(parseDuration(text, true)).toBeUndefined());

  it("takes seconds without a unit only where they are allowed", () => {
    expect(parseDuration("10", false)).toBeUndefined();
    expect(parseDuration("0", false)).toBe(0);
    expect(parseDuration("40m", false)).toBe(2_400_000);
  });

  it("holds what Go holds: 2^63 ns", () => {
    expect(parseDuration("2562047h", true)).toBe(2562047 * 3_600_000);
    expect(parseDuration("2562048h", true)).toBeUndefined();
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0s"],
    [1e-6, "1ns"],
    [0.0015, "1.5\u00b5s"],
    [100, "100ms"],
    [1.5, "1.5ms"],
    [1000, "1s"],
    [1500, "1.5s"],
    [90_000, "1m30s"],
    [300_000, "5m0s"],
    [3_600_000, "1h0m0s"],
    [4_200_000, "1h10m0s"],
    [-1500, "-1.5s"],
  ])("%d ms is %s", (ms, text) => expect(formatDuration(ms)).toBe(text));
});
