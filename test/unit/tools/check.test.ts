import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type CheckOptions, check } from "../../../src/tools/check.ts";

const folder = mkdtempSync(join(tmpdir(), "cp-check-"));
afterAll(() => rmSync(folder, { recursive: true }));

const OPTIONS: CheckOptions = {
  env: [],
  envFile: [],
  inherit: false,
  json: false,
  strict: false,
  allBranches: false,
  colour: false,
};

function run(
  config: string,
  more: Partial<CheckOptions> = {},
  words: string[] = [],
): Promise<{ code: number; text: string }> {
  return check(config, words, { ...OPTIONS, ...more }, {});
}

/** With `NAME` where nothing but a static address is asked for. */
const GOOD =
  '{"consul": "c:1", "services": [{"name": "web", "port": 80, "poll": 5, "ttl": 10, "interfaces": "static:10.0.0.1"}]}';

describe("exit codes", () => {
  it.each<[string, string, Partial<CheckOptions>, number]>([
    ["right", GOOD, { strict: true }, 0],
    ["a warning", GOOD.replace("web", "My_Web"), {}, 0],
    ["a warning that counts", GOOD.replace("web", "My_Web"), { strict: true }, 1],
    ["refused", GOOD.replace("80", "0"), {}, 2],
    ["a template that does not render", "{{ .X", {}, 2],
    ["no such file", "/none", {}, 2],
    ["nothing given", "", {}, 2],
  ])("%s", async (_, config, options, code) => expect((await run(config, options)).code).toBe(code));
});

describe("the text", () => {
  it("ends with what the configuration is and who ends the container", async () => {
    const { text } = await run('{"consul": "c:1", "preStart": "a", "postStop": "b", "stop": {"within": "30s"}}', {}, [
      "/bin/app",
    ]);
    expect(text).toBe(
      [
        "-config: right",
        "  ContainerPilot 2: 3 jobs; advertises nothing; consul at http://c:1",
        "  when app ends by itself: exit code app's, 128 + n for signal n",
        "  when a stop ends app: exit code app's, 128 + n for signal n",
        "  when a stop before app ever ran: exit code 128 + the signal",
        "  when preStart fails for good: exit code preStart's",
        "  when postStop fails: exit code postStop's",
        "  when a stop takes longer than 30000 ms: exit code as above, what is left is killed",
        "",
      ].join("\n"),
    );
  });

  it.each([
    ['{"jobs": []}', "  when all jobs are done: exit code 0"],
    [
      '{"jobs": [], "exit": {"of": "worst", "map": {"143": 0}}}',
      "  when all jobs are done: exit code the highest code of all",
    ],
    ['{"jobs": [], "exit": {"map": {"143": 0}}}', "  when it would be 143: exit code 0"],
    [
      '{"jobs": [{"name": "a", "exec": "x", "main": true}]}',
      "  when a ends by itself: exit code a's, 128 + n for signal n",
    ],
    ['{"jobs": [{"name": "a", "exec": "x", "essential": true}]}', "  when a fails for good: exit code a's"],
    ['{"services": []}', "  when a stop is asked for: exit code 0"],
  ])("%s: %s", async (config, line) => expect((await run(config)).text.split("\n")).toContain(line));

  it("counts, and shows warnings with their place", async () => {
    const { text } = await run('{"consul": "c:1",\n "services": [{"name": "My_Web", "port": 0, "poll": 5, "ttl": 5}]}');
    expect(text).toContain("-config:2:24  warning: services[0].name:");
    expect(text).toContain('    2 |  "services": [{"name": "My_Web"');
    expect(text).toMatch(/\n-config: refused, 1 error, 2 warnings\n$/);
  });

  it("is coloured only if it shall be", async () => {
    const bad = GOOD.replace("80", "0");
    expect((await run(bad)).text).not.toContain("\u001b");
    expect((await run(bad, { colour: true })).text).toContain("\u001b[1m-config:1:56\u001b[0m");
  });
});

describe("JSON", () => {
  it("tells each problem in parts", async () => {
    const report = JSON.parse((await run(GOOD.replace("80", '"x"'), { json: true })).text) as object;
    expect(report).toEqual({
      file: "-config",
      ok: false,
      problems: [
        {
          level: "error",
          code: "bad-number",
          file: "-config",
          line: 1,
          column: 56,
          path: "services[0].port",
          found: 'found "x"',
          allowed: "a whole number from 1 on",
          source: expect.stringContaining('"port": "x"'),
          sourceColumn: 56,
        },
      ],
    });
  });

  it("has the summary of what is right", async () => {
    const report = JSON.parse((await run(GOOD, { json: true })).text) as object;
    expect(report).toMatchObject({
      ok: true,
      problems: [],
      summary: { dialect: "v2", services: ["web:80"], watches: [], catalog: "consul at http://c:1" },
    });
  });
});

describe("what only this tool looks for", () => {
  it("keys that repeat", async () => {
    const { text } = await run('{"consul": "c:1", "preStart": "a", "preStart": "b"}');
    expect(text).toContain("-config:1:36  warning: preStart: preStart is there already; the last one counts");
  });

  it("waits that can never end, once each", async () => {
    const { text } = await run(`{jobs: [null,
      {name: "a", exec: "x", when: {source: "b", once: "exitSuccess"}},
      {name: "b", exec: "x", when: {source: "a", once: "exitSuccess"}},
      {name: "c", exec: "x", when: {source: "nobody", once: "exitSuccess"}},
      {name: "d", exec: "x", when: {source: "b", once: "stopped"}}]}`);
    const heads = text.split("\n").filter((line) => line.includes("warning:"));
    expect(heads.map((line) => line.replace(/^\S+ +warning: /, ""))).toEqual([
      "jobs[1].when: nothing that can happen starts it: it waits for exitSuccess of b, which waits itself for exitSuccess of a; it idles until the container stops",
      "jobs[2].when: nothing that can happen starts it: it waits for exitSuccess of a, which waits itself for exitSuccess of b; it idles until the container stops",
      'jobs[3].when.source: "nobody" names no job and no watch',
    ]);
  });

  it("addresses of another machine are no fault", async () => {
    const { code, text } = await run(GOOD.replace("static:10.0.0.1", "eth77"));
    expect(code).toBe(0);
    expect(text).toContain("none of eth77 matches an address of this machine");
  });
});

describe("the environment", () => {
  const config = '{"consul": "{{ .A }}:1", "preStart": "{{ .B }}", "postStop": "{{ .C | default "none" }}"}';

  it("is made of files and pairs, the later wins", async () => {
    const file = join(folder, "env");
    writeFileSync(file, "# comment\nA=file\n\nB=x=y z\nEMPTY=\n");
    expect((await run(config, { envFile: [file] })).code).toBe(0);
    expect((await run(config, { envFile: [file], env: ["B="] })).text).toContain("B is empty");
    expect((await run(config, { env: ["A=a"] })).text).toContain("B is not set");
  });

  it("can begin with ours", async () => {
    const own = { A: "a", B: "b" };
    expect((await check(config, [], { ...OPTIONS, inherit: true }, own)).code).toBe(0);
    expect((await check(config, [], OPTIONS, own)).code).toBe(2);
    expect((await check(config, [], { ...OPTIONS, env: ["A", "B"] }, own)).code).toBe(0);
    expect((await check(undefined, [], OPTIONS, { CONTAINERPILOT: GOOD })).code).toBe(0);
  });

  it.each([
    [{ env: ["a b=c"] }, '--env: "a b=c" is no NAME=VALUE'],
    [{ env: ["=c"] }, '--env: "=c" is no NAME=VALUE'],
    [{ envFile: ["/none"] }, "/none: cannot be read (ENOENT)"],
  ])("%j is wrong", async (options, message) => {
    await expect(run(GOOD, options)).rejects.toMatchObject({ name: "UsageError", message });
  });
});
