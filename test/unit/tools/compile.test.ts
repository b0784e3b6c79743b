import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type CompileOptions, compile } from "../../../src/tools/compile.ts";

const folder = mkdtempSync(join(tmpdir(), "cp-compile-"));
afterAll(() => rmSync(folder, { recursive: true }));

const OPTIONS: CompileOptions = { env: [], envFile: [], inherit: true, out: undefined, strict: true, colour: false };
const config = join(folder, "config.json");
const boot = `${config}.boot`;

function run(text: string, more: Partial<CompileOptions> = {}, env: Record<string, string> = {}) {
  writeFileSync(config, text);
  return compile(config, { ...OPTIONS, ...more }, env);
}

/** The records of the boot file, without the configuration's text. */
const records = () =>
  readFileSync(boot, "utf8")
    .split("\0")
    .filter((record) => !/^(config=|$)/.test(record));

const job = (more: string) => `{consul: "c", jobs: [{name: "app", main: true, exec: ["app", "-x"]${more}}]}`;

describe("cpctl compile", () => {
  it("writes what the launcher has to know of a ContainerPilot 2 application", async () => {
    const services =
      '[{"name": "web", "port": 80, "poll": 5, "ttl": 10, "interfaces": ["eth0[1]", "10.0.0.0/8", "lo:inet6", "inet"]}]';
    const { code, text } = await run(
      `{"consul": "{{ .HOST }}{{ .PORT }}", "stopTimeout": 7, "services": ${services}}`,
      {},
      { HOST: "c", MORE: "x" },
    );
    expect(text).toBe(
      `${boot}: the application of the command line starts at once, as long as HOST, PORT are as now\n`,
    );
    expect(code).toBe(0);
    expect(statSync(boot).mode & 0o777).toBe(0o644);
    expect(records()).toEqual([
      "containerpilot-boot=1",
      "job=app",
      "need=HOST=c",
      "unset=PORT",
      "words=1",
      "address=CONTAINERPILOT_WEB_IP",
      "select=indexed eth0 1",
      "select=network 00000000000000000000ffff0a000000 104",
      "select=named lo 6",
      "select=any 4",
      "control=/var/run/containerpilot.socket",
      "stdin=inherit",
      "output=inherit",
      "grace=7000",
      // Not HUP, INT, USR1 and TERM, which are the runtime's, nor what is never forwarded.
      "forward=fffffffe3bfab804",
      expect.stringMatching(/^end=[0-9a-f]{16}$/),
    ]);
  });

  it("and of a main job, whose lines are logged", async () => {
    const { code, text } = await run(
      job(', stopTimeout: "9s"').replace("{", '{logging: {level: "WARN", format: "json", output: "stderr"}, '),
    );
    expect(text).toBe(`${boot}: the job app (app -x) starts at once\n`);
    expect(code).toBe(0);
    expect(records()).toEqual(
      expect.arrayContaining(["argument=app", "argument=-x", "output=log", "log=2 2 1 2", "field=job=app"]),
    );
  });

  it.each<[string, string, string]>([
    ["preStart", '{"consul": "c", "preStart": "x"}', "preStart comes before the application"],
    ["onStart", '{"consul": "c", "onStart": "x"}', "preStart comes before the application"],
    ["a template that reads everything", '{"consul": "c{{ range . }}{{ end }}"}', "goes through all variables"],
    ["one that reads our pid", '{"consul": "c{{ .CONTAINERPILOT_PID }}"}', "reads CONTAINERPILOT_PID"],
    ["no main job", job("").replace("main: true, ", ""), "no job is the main one"],
    ["one without a program", job("").replace(', exec: ["app", "-x"]', ""), "runs no program"],
    [
      "one that waits",
      job(', when: {source: "b", once: "exitSuccess"}}, {name: "b", exec: "b"'),
      "waits for something else",
    ],
    ["one at intervals", job(', when: {interval: "1s"}'), "intervals"],
    ["a log in a file", job("").replace("{", '{logging: {output: "/tmp/log"}, '), "its lines go to a file"],
    ["a control socket that is anywhere", job("").replace("{", '{control: {socket: "x.socket"}, '), "relative"],
  ])("says why not, and takes an old boot file away: %s", async (_, text, why) => {
    writeFileSync(boot, "containerpilot-boot=0\0");
    const strict = await run(text);
    expect(strict.text).toContain("no instant start: ");
    expect(strict.text).toContain(why.replace("its lines", "lines"));
    expect(strict.code).toBe(1);
    expect((await run(text, { strict: false })).code).toBe(0);
    expect(existsSync(boot)).toBe(false);
  });

  it("leaves what is no boot file, and refuses what is wrong", async () => {
    const out = join(folder, "mine");
    writeFileSync(out, "mine");
    expect((await run('{"consul": "c", "preStart": "x"}', { out })).code).toBe(1);
    expect(readFileSync(out, "utf8")).toBe("mine");
    expect(await run("{")).toMatchObject({ code: 2, text: expect.stringContaining("config.json:1:2") });
    expect(await run('{"consul": "c"}', { out: "/none/x" })).toEqual({
      code: 73,
      text: "",
      lines: ["cpctl: /none/x: cannot be written (ENOENT)"],
    });
    await expect(compile('{"consul": "c"}', OPTIONS, {})).rejects.toThrow("--out");
  });
});
