import { expect, it } from "vitest";
import { describeContainers, run } from "../harness.ts";

const sh = (script: string) => ["sh", "-c", script];
const bare = { directory: "catalog" };

describeContainers("bad input", () => {
  it("no configuration at all is 78, with both ways to give one", async () => {
    const box = await run({ words: ["echo", "app"] });
    expect(await box.exit).toEqual({ code: 78 });
    expect(box.stderr).toMatch(/-config/);
    expect(box.stderr).toMatch(/CONTAINERPILOT/);
    expect(box.stdout).toBe("");
  });

  it("an unreadable file is 66, named", async () => {
    const box = await run({ flags: ["-config", "file:///no/such/file.json"], words: ["echo", "app"] });
    expect(await box.exit).toEqual({ code: 66 });
    expect(box.stderr).toContain("/no/such/file.json");
  });

  it("invalid JSON is 78, with its line and column", async () => {
    const box = await run({ config: '{\n  "directory": "x",\n  "services": [}\n}\n', words: ["echo", "app"] });
    expect(await box.exit).toEqual({ code: 78 });
    expect(box.stderr).toMatch(/config\.json:3:16/);
    expect(box.stdout).toBe("");
  });

  it("an unknown key is 78, with the nearest known one", async () => {
    const box = await run({ config: '{\n  "directory": "x",\n  "preStrat": "true"\n}\n', words: ["echo", "app"] });
    expect(await box.exit).toEqual({ code: 78 });
    expect(box.stderr).toMatch(/config\.json:3:3.*preStrat/);
    expect(box.stderr).toContain("preStart");
  });

  it("a wrong flag is 64, with the nearest known one", async () => {
    const box = await run({ flags: ["-confg", "x"] });
    expect(await box.exit).toEqual({ code: 64 });
    expect(box.stderr).toContain("did you mean -config?");
  });

  it("a name that a template left empty says which variable is not set", async () => {
    const config = '{ "directory": "x", "services": [{ "name": "web", "port": {{ .PORT }}, "poll": 1, "ttl": 5 }] }';
    const box = await run({ config, words: ["echo", "app"] });
    expect(await box.exit).toEqual({ code: 78 });
    expect(box.stderr).toContain("PORT");
    expect(box.stderr).not.toMatch(/ at .*\.cjs/);
  });

  it("the configuration may be the text itself, in the flag or in the environment", async () => {
    const text = JSON.stringify({ ...bare, preStart: "echo preStart" });
    const flag = await run({ flags: ["-config", text], words: ["echo", "app"] });
    expect(await flag.exit).toEqual({ code: 0 });
    expect(flag.stdout).toBe("preStart\napp\n");
    const variable = await run({ env: { CONTAINERPILOT: text }, words: ["echo", "app", "-version"] });
    expect(await variable.exit).toEqual({ code: 0 });
    expect(variable.stdout).toBe("preStart\napp -version\n");
  });

  it("the application's words are templates, with the address of a service", async () => {
    const services = [{ name: "my-web", port: 8000, poll: 1, ttl: 5, interfaces: "static:10.1.2.3" }];
    const words = [
      "echo",
      "{{ .CONTAINERPILOT_MY_WEB_IP }}",
      "{{ .CONTAINERPILOT_PID }}",
      '{{ .NONE | default "none" }}',
    ];
    const box = await run({ config: { ...bare, services }, words });
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout).toContain("10.1.2.3 1 none\n");
  });

  it("a hung health check holds up neither the stop nor the application", async () => {
    const services = [
      { name: "web", port: 8000, health: "sleep 1000", poll: 1, ttl: 5, interfaces: "static:10.1.2.3" },
    ];
    const box = await run({
      config: { ...bare, services },
      words: sh("trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done"),
    });
    await box.waitFor(/up/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("a closed stdout loses neither the application nor its code", async () => {
    const config = JSON.stringify({
      ...bare,
      coprocesses: [{ command: ["sh", "-c", "while :; do echo noise; done"] }],
    });
    const box = await run({
      entrypoint: ["sh", "-c", `exec "$0" "$@" >&- 2>&-`, (await import("../harness.ts")).entrypoint],
      flags: ["-config", config],
      words: sh("sleep 0.3; exit 5"),
    });
    expect(await box.exit).toEqual({ code: 5 });
  });

  it("a reader of stdout that has gone loses neither the application nor its code", async () => {
    const { entrypoint } = await import("../harness.ts");
    const config = JSON.stringify({
      ...bare,
      coprocesses: [{ command: ["sh", "-c", "while :; do echo noise; done"] }],
    });
    const script = `mkfifo pipe; sh -c 'exec 3<pipe; sleep 0.2' & exec "$0" "$@" >pipe 2>&1`;
    const box = await run({
      entrypoint: ["sh", "-c", script, entrypoint],
      flags: ["-config", config],
      words: sh("sleep 0.6; exit 5"),
    });
    expect(await box.exit).toEqual({ code: 5 });
  });
});
