/** The weak typing of the originals' decoder, value by value. */
import { describe, expect, it } from "vitest";
import { type Kind, readMap, type Table } from "../../../src/config/decode.ts";
import { pathText } from "../../../src/config/print.ts";
import { Problems } from "../../../src/config/problems.ts";

function read(kind: Kind, value: unknown): unknown {
  const problems = new Problems();
  const { key } = readMap({ key: kind }, { key: value }, [], problems);
  const bad = problems.list.filter(({ level }) => level === "error").map(({ code }) => code);
  return bad.length > 0 ? bad.join() : key;
}

const INT: Kind = { t: "int" };
const TEXT: Kind = { t: "text" };
const BOOL: Kind = { t: "bool" };
const TEXTS: Kind = { t: "texts" };
const ONE_OR_MORE: Kind = { t: "oneOrMore" };
const RESTARTS: Kind = { t: "restarts" };
const UNLIMITED = Number.POSITIVE_INFINITY;

it.each<[Kind, unknown, unknown]>([
  [INT, 5, 5],
  [INT, 1.9, 1],
  [INT, 0.5, 0],
  [INT, -1.9, -1],
  [INT, "30", 30],
  [INT, "-30", -30],
  [INT, "+3", 3],
  [INT, "0x50", 80],
  [INT, "0X1f", 31],
  [INT, "010", 8],
  [INT, "0", 0],
  [INT, true, 1],
  [INT, false, 0],
  [INT, null, undefined],
  [INT, "30s", "bad-number"],
  [INT, "", "bad-number"],
  [INT, " 5", "bad-number"],
  [INT, "08", "bad-number"],
  [INT, "1.5", "bad-number"],
  [INT, "1e3", "bad-number"],
  [INT, {}, "wrong-type"],
  [INT, [5], "wrong-type"],
  [INT, Number.NaN, "bad-number"],
  [INT, Number.POSITIVE_INFINITY, "bad-number"],
  [{ t: "int", min: 1 }, 0, "too-small"],
  [{ t: "int", min: 1 }, -3, "too-small"],
  [{ t: "int", or: 5 }, null, 5],
  [TEXT, "a", "a"],
  [TEXT, 5, "5"],
  [TEXT, 1.5, "1.5"],
  [TEXT, 1_000_000, "1000000"],
  [TEXT, 1e21, "1000000000000000000000"],
  [TEXT, 1.5e-7, "0.00000015"],
  [TEXT, true, "1"],
  [TEXT, false, "0"],
  [TEXT, [], "wrong-type"],
  [TEXT, {}, "wrong-type"],
  [{ t: "text", words: ["a", "b"] }, "b", "b"],
  [{ t: "text", words: ["a", "b"] }, "B", "bad-word"],
  [{ t: "text", words: ["a", "b"], anyCase: true }, "B", "b"],
  [{ t: "text", words: ["a", "b"], or: "a" }, "", "a"],
  [{ t: "text", words: ["a", "b"], blank: true }, "", undefined],
  [{ t: "text", words: ["a", "b"] }, "", "bad-word"],
  [BOOL, true, true],
  [BOOL, 2, true],
  [BOOL, 0, false],
  ...["1", "t", "T", "true", "TRUE", "True"].map((word): [Kind, unknown, unknown] => [BOOL, word, true]),
  ...["0", "f", "F", "false", "FALSE", "False", ""].map((word): [Kind, unknown, unknown] => [BOOL, word, false]),
  [BOOL, "yes", "wrong-type"],
  [BOOL, "nope", "wrong-type"],
  [BOOL, {}, "wrong-type"],
  [TEXTS, ["a", 5, true, 1.5, null], ["a", "5", "1", "1.5", ""]],
  [TEXTS, [], []],
  [TEXTS, {}, []],
  [TEXTS, null, undefined],
  [TEXTS, "x", "wrong-type"],
  [TEXTS, 5, "wrong-type"],
  [TEXTS, { a: 1 }, "wrong-type"],
  [TEXTS, [[]], "wrong-type"],
  [ONE_OR_MORE, "eth0", ["eth0"]],
  [ONE_OR_MORE, ["eth0", 5], ["eth0", "5"]],
  [ONE_OR_MORE, null, undefined],
  [ONE_OR_MORE, 5, "wrong-type"],
  [ONE_OR_MORE, {}, "wrong-type"],
  [{ t: "oneOrMore", listOnly: true }, "eth0", "wrong-type"],
  [{ t: "oneOrMore", listOnly: true }, ["eth0"], ["eth0"]],
  [RESTARTS, 3, 3],
  [RESTARTS, 1.9, 1],
  [RESTARTS, 0, 0],
  [RESTARTS, "1", 1],
  [RESTARTS, "never", 0],
  [RESTARTS, "unlimited", UNLIMITED],
  [RESTARTS, -1, "bad-word"],
  [RESTARTS, "-1", "bad-word"],
  [RESTARTS, "1.5", "bad-word"],
  [RESTARTS, "Never", "bad-word"],
  [RESTARTS, "invalid", "bad-word"],
  [RESTARTS, "", "bad-word"],
  [RESTARTS, true, "bad-word"],
  [RESTARTS, [], "bad-word"],
  [RESTARTS, UNLIMITED, "bad-word"],
  [{ t: "command" }, "a b", ["a", "b"]],
  [{ t: "command" }, "", "empty-command"],
  [{ t: "command" }, [], "empty-command"],
  [{ t: "command" }, 5, "empty-command"],
  [{ t: "command" }, {}, "empty-command"],
  [{ t: "span" }, "1500ms", { ms: 1500, text: "1500ms" }],
  [{ t: "span" }, 5, { ms: 5000, text: "5" }],
  [{ t: "span" }, true, { ms: 1000, text: "1" }],
  [{ t: "span" }, "", undefined],
  [{ t: "span" }, 1.5, "bad-duration"],
  [{ t: "span" }, "x", "bad-duration"],
  [{ t: "span" }, {}, "wrong-type"],
  [{ t: "span", need: true }, "", "bad-duration"],
  [{ t: "span", min: 1 }, "0", "too-small"],
  [{ t: "span", min: 1 }, "1ns", "too-small"],
  [{ t: "span", min: 1 }, "1ms", { ms: 1, text: "1ms" }],
  [{ t: "span", min: 0 }, "-1s", "too-small"],
  [{ t: "span", unit: true }, "10", "bad-duration"],
  [{ t: "span", unit: true }, "10m", { ms: 600_000, text: "10m" }],
  [{ t: "textOrMap", keys: {} }, "x", "x"],
  [{ t: "textOrMap", keys: {} }, 5, "wrong-type"],
  [{ t: "textOrMap", keys: {} }, [], "wrong-type"],
  [{ t: "falseOrMap", keys: {} }, false, false],
  [{ t: "falseOrMap", keys: {} }, true, "wrong-type"],
  [{ t: "map", keys: {} }, "x", "wrong-type"],
  [{ t: "map", keys: {} }, [], "wrong-type"],
  [{ t: "text", need: true }, undefined, "missing"],
  [{ t: "text", need: true }, null, "missing"],
])("%j reads %j as %j", (kind, value, result) => expect(read(kind, value)).toEqual(result));

/** Each problem as `level code path`. */
function problemsOf(table: Table, value: Record<string, unknown>, fold?: boolean): string[] {
  const problems = new Problems();
  readMap(table, value, ["top"], problems, fold);
  return problems.list.map(({ level, code, path }) => `${level} ${code} ${pathText(path)}`);
}

describe("keys", () => {
  const table: Table = { port: { t: "int" }, list: { t: "list", keys: { name: { t: "text", need: true } } } };

  it("are found in any case, the exact one first", () => {
    expect(problemsOf(table, { PORT: "x" })).toEqual(["error bad-number top.PORT"]);
    expect(problemsOf(table, { port: 1, Port: 2 })).toEqual(["error unknown-key top.Port"]);
    expect(problemsOf(table, { PORT: 1 }, false)).toEqual(["error unknown-key top.PORT"]);
  });

  it("are all named when they are unknown, with null too", () => {
    expect(problemsOf(table, { a: 1, b: 2, c: null })).toEqual([
      "error unknown-key top.a",
      "error unknown-key top.b",
      "error unknown-key top.c",
    ]);
  });

  it("of lists: null items are skipped, others must be objects, and all faults are told", () => {
    expect(problemsOf(table, { list: [null, { name: "a" }, 5, {}, { name: [] }] })).toEqual([
      "error wrong-type top.list[2]",
      "error missing top.list[3].name",
      "error wrong-type top.list[4].name",
    ]);
  });

  it.each([{}, "x", 5, true])("that should be a list and are %j are ignored, with a warning", (list) => {
    expect(problemsOf(table, { list })).toEqual(["warning not-a-list top.list"]);
  });

  it("count only with or without another one where the table says so", () => {
    const pair: Table = {
      port: { t: "int" },
      with: { t: "span", with: "port" },
      unless: { t: "span", unless: "port" },
    };
    expect(problemsOf(pair, { port: 1, with: "x", unless: "x" })).toEqual(["error bad-duration top.with"]);
    expect(problemsOf(pair, { port: 0, with: "x", unless: "x" })).toEqual(["error bad-duration top.unless"]);
  });
});
