import { describe, expect, it } from "vitest";
import { readEnviron, readMetrics } from "../../../src/control/bodies.ts";

const entries = (map: ReadonlyMap<string, string> | undefined): unknown => map && [...map];

describe("the body of /v3/environ", () => {
  it.each([
    [
      '{"A":"1","B":"x=y"}',
      [
        ["A", "1"],
        ["B", "x=y"],
      ],
    ],
    [
      '{"A":null,"B":""}',
      [
        ["A", ""],
        ["B", ""],
      ],
    ],
    ['{"A":"1","A":"2"}', [["A", "2"]]],
    [' \n{ "A" : "\\u00fc\\n" }\n', [["A", "ü\n"]]],
    [
      '{"__proto__":"1","constructor":"2"}',
      [
        ["__proto__", "1"],
        ["constructor", "2"],
      ],
    ],
    ["{}", []],
    ["null", []],
  ])("%s is taken", (body, expected) => {
    expect(entries(readEnviron(body))).toEqual(expected);
  });

  it.each([
    "",
    "x",
    '"null"',
    "1",
    "true",
    "[]",
    '["A"]',
    '{"A":1}',
    '{"A":true}',
    '{"A":{}}',
    '{"A":"1","B":["x"]}',
    '{"A":"1"}{"B":"2"}',
    '{"A":"1",}',
    "{'A':'1'}",
    '{"A":"a\nb"}',
    "[".repeat(200_000),
  ])("%j is refused", (body) => {
    expect(readEnviron(body)).toBeUndefined();
  });
});

describe("the body of /v3/metric", () => {
  it.each([
    [
      '{"a":1,"b":"2.5","c":-3e2}',
      [
        ["a", "1"],
        ["b", "2.5"],
        ["c", "-300"],
      ],
    ],
    [
      '{"a":true,"b":null}',
      [
        ["a", "true"],
        ["b", "<nil>"],
      ],
    ],
    [
      '{"a":[1,"x"],"b":{"z":1,"y":[]}}',
      [
        ["a", "[1 x]"],
        ["b", "map[y:[] z:1]"],
      ],
    ],
    [
      '{"a":"1|2","b|3":4}',
      [
        ["a", "1"],
        ["b", "3"],
      ],
    ],
    ["null", []],
  ])("%s is taken, printed as Go does", (body, expected) => {
    expect(entries(readMetrics(body))).toEqual(expected);
  });

  it.each([
    "",
    "[1]",
    "1",
    '{"a":1e999}',
    '{"a":[1e999]}',
    '{"a":01}',
    `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
  ])("%.40j is refused", (body) => {
    expect(readMetrics(body)).toBeUndefined();
  });
});
