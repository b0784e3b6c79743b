import { describe, expect, it } from "vitest";
import { lintApplication, lintCommand, parseCommand } from "../../../src/config/commands.ts";
import { Problems } from "../../../src/config/problems.ts";

describe("parseCommand", () => {
  it.each<[unknown, string[]]>([
    ["/bin/app --flag x", ["/bin/app", "--flag", "x"]],
    ["echo  a", ["echo", "", "a"]],
    ["  echo a \n", ["echo", "a"]],
    ["echo\ta", ["echo\ta"]],
    [`echo 'a b' "c"`, ["echo", "'a", "b'", '"c"']],
    ["echo $HOME", ["echo", "$HOME"]],
    [" ", [""]],
    [
      ["sh", "-c", "a  b"],
      ["sh", "-c", "a  b"],
    ],
    [
      [5, true, null, 1.5, { k: 1 }, 1e6, "x"],
      ["5", "true", "<nil>", "1.5", "map[k:1]", "1e+06", "x"],
    ],
    [[""], [""]],
  ])("%j", (value, argv) => expect(parseCommand(value)).toEqual(argv));

  it.each([undefined, null, "", [], 5, true, {}])("%j has no word", (value) => {
    expect(parseCommand(value)).toBeUndefined();
  });
});

function warned(run: (problems: Problems) => void): string[] {
  const problems = new Problems();
  run(problems);
  return problems.list.map(({ code, about }) => `${code} ${String(about?.word ?? about?.program ?? "")}`.trim());
}

describe("lintCommand", () => {
  it.each([
    ["curl http://x && echo ok", "shell-syntax &&"],
    ["a | b", "shell-syntax |"],
    ["a > /tmp/x", "shell-syntax >"],
    ["a; b", "shell-syntax ;"],
    ["echo 'x'", "shell-syntax '"],
    ["echo $HOME", "shell-syntax $H"],
    ["echo `id`", "shell-syntax `"],
    ["  ", "blank-command"],
  ])("warns of %j", (text, warning) => {
    expect(warned((problems) => lintCommand(text, [], problems))).toEqual([warning]);
  });

  it.each([
    "/usr/bin/curl --fail -s http://localhost/health.txt?a=1&b=2",
    "nc -z localhost 80",
    ["sh", "-c", "a | b"],
    "x=$",
    [["sh", "-c", "trap 'exit 3' TERM; while :; do sleep 1; done"]],
    [["bash", "-c", "stop() { kill $pid; }\ntrap stop TERM\nnode server.js & pid=$!; wait"]],
  ])("leaves %j alone", (text) => expect(warned((problems) => lintCommand(text, [], problems))).toEqual([]));
});

describe("lintApplication", () => {
  it.each([
    [["npm", "start"], "shell-application npm"],
    [["/usr/bin/yarn", "run", "x"], "shell-application yarn"],
    [["sh", "-c", "node server.js"], "shell-application sh"],
    [["/bin/bash", "-c", "a && b"], "shell-application bash"],
    [["sh", "-c", "mousetrap --executable x"], "shell-application sh"],
  ])("warns of %j", (argv, warning) => {
    expect(warned((problems) => lintApplication(argv, [], problems))).toEqual([warning]);
  });

  it.each([
    [["node", "server.js"]],
    [["sh", "-c", "exec node server.js"]],
    [["sh", "-c", "a; exec b"]],
    [["npm", "-v"]],
    [[]],
  ])("leaves %j alone", (argv) => expect(warned((problems) => lintApplication(argv, [], problems))).toEqual([]));
});
