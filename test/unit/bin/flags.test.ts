import { describe, expect, it } from "vitest";
import { walkArgv } from "../../../src/bin/flags.ts";
import { flagErrorText, helpText } from "../../../src/bin/usage.ts";

const none = {
  template: false,
  version: false,
  help: false,
  reload: false,
  putenv: [],
  putmetric: [],
  ping: false,
};

describe("argv, by the rules of Go's flag package", () => {
  it.each([
    [[], { ...none, words: [] }],
    [["-config", "x", "app", "-g", "daemon off;"], { ...none, config: "x", words: ["app", "-g", "daemon off;"] }],
    [["--config=x"], { ...none, config: "x", words: [] }],
    [["-config=a=b", "--", "-weird"], { ...none, config: "a=b", words: ["-weird"] }],
    [["-template", "-out", "-", "-config", "x"], { ...none, template: true, out: "-", config: "x", words: [] }],
    [["-config", "", "app"], { ...none, config: "", words: ["app"] }],
    [["-config", "-version"], { ...none, config: "-version", words: [] }],
    [["echo", "-version"], { ...none, words: ["echo", "-version"] }],
    [["-", "-version"], { ...none, words: ["-", "-version"] }],
    [["-template=false"], { ...none, words: [] }],
    [["-version=T"], { ...none, version: true, words: [] }],
    [["-version", "true"], { ...none, version: true, words: ["true"] }],
    [["-h"], { ...none, help: true, words: [] }],
    [["-config", "a", "-config", "b"], { ...none, config: "b", words: [] }],
    [["--", "--"], { ...none, words: ["--"] }],
    [
      ["-ping", "-reload=true", "-maintenance", "enable"],
      { ...none, ping: true, reload: true, maintenance: "enable", words: [] },
    ],
    [["-maintenance="], { ...none, maintenance: "", words: [] }],
    [["-putenv", "A=b=c", "--putenv==v", "x"], { ...none, putenv: ["A=b=c", "=v"], words: ["x"] }],
    [["-putmetric=k=1", "-putmetric", "-k=-2"], { ...none, putmetric: ["k=1", "-k=-2"], words: [] }],
  ])("%j", (argv, expected) => {
    expect(walkArgv(argv)).toEqual(expected);
  });

  it.each([
    [["-x"], { code: "unknown", flag: "x" }],
    [["-toString"], { code: "unknown", flag: "toString" }],
    [["-config"], { code: "needs-value", flag: "config" }],
    [["-putenv"], { code: "needs-value", flag: "putenv" }],
    [["-putenv", "A"], { code: "no-pair", flag: "putenv", value: "A" }],
    [["-putmetric="], { code: "no-pair", flag: "putmetric", value: "" }],
    [["-maintenance", "off"], { code: "bad-word", flag: "maintenance", value: "off" }],
    [["-version=maybe"], { code: "bad-switch", flag: "version", value: "maybe" }],
    [["---config", "x"], { code: "bad-syntax", flag: "---config" }],
    [["-=x"], { code: "bad-syntax", flag: "-=x" }],
  ])("refuses %j", (argv, expected) => {
    expect(walkArgv(argv)).toEqual(expected);
  });
});

describe("help and errors", () => {
  it("shows every flag with one dash", () => {
    for (const flag of ["-config <where>", "-template", "-out <where>", "-version", "-help"]) {
      expect(helpText()).toContain(` ${flag}`);
    }
  });

  it("suggests the nearest flag", () => {
    expect(flagErrorText({ code: "unknown", flag: "confg" })).toBe(
      "containerpilot: unknown flag -confg (did you mean -config?); see -help\n",
    );
    expect(flagErrorText({ code: "unknown", flag: "zzzzzz" })).toBe(
      "containerpilot: unknown flag -zzzzzz; see -help\n",
    );
    expect(flagErrorText({ code: "needs-value", flag: "out" })).toBe("containerpilot: -out needs a value\n");
  });
});
