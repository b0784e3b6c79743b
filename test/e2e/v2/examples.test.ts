/** Whole configurations as the original ran them, with what is told there adjusted to what docs/compatibility.md lists. */
import { expect, it } from "vitest";
import { consulAgent, describeContainers, run } from "../harness.ts";
import { app, passing, sh, soon, times } from "./stage.ts";

const hosts = { "/etc/hosts": "127.0.0.1 localhost consul\n" };

const WEB = `{
  "consul": "{{ .CONSUL | default "consul" }}:8500",
  "logging": { "level": "INFO", "format": "default", "output": "stdout" },
  "preStart": ["sh", "-c", "echo prestart for {{ .APP_ENV | default "dev" }}"],
  "preStop": "echo prestop",
  "postStop": ["sh", "-c", "echo poststop app was $CONTAINERPILOT_APP_PID"],
  "stopTimeout": 2,
  "services": [
    { "name": "web", "port": {{ .PORT | default 8000 }}, "health": "test -d /tmp",
      "poll": 1, "ttl": "5", "timeout": "500ms",
      "interfaces": ["eth9", "lo[1]", "inet"], "tags": ["blue", "v2"],
      "consul": { "enableTagOverride": true, "deregisterCriticalServiceAfter": "10m" } },
    { "name": "web-admin", "port": 8001, "poll": 2, "ttl": 10, "interfaces": "static:10.1.2.3" }
  ]
}`;

const PROXY = `{
  "consul": { "address": "{{ .CONSUL_ADDR }}", "scheme": "http", "token": "{{ .TOK }}" },
  "logging": { "level": "WARN", "format": "text", "output": "stdout" },
  "onStart": "echo onstart alias",
  "backends": [
    { "name": "db", "poll": 1, "onChange": ["sh", "-c", "echo db changed {{ .PEERS | split "," | join "+" }} | tee -a changes"], "tag": "primary", "timeout": "2s" },
    { "name": "cache", "poll": 1, "onChange": "sleep 10", "timeout": 1 }
  ]
}`;

describeContainers("a web service with hooks", () => {
  it("registers both services, goes into maintenance and back, and stops in order", async () => {
    const consul = await consulAgent();
    const box = await run({
      config: WEB,
      env: { APP_ENV: "prod", PORT: "8080" },
      files: hosts,
      hostname: "HOST",
      net: consul.net,
      words: app,
      timeoutMs: 40_000,
    });
    await box.waitFor(/prestart for prod\n/);
    const both = async (count: number) => {
      expect(await passing(consul, "web")).toHaveLength(count);
      expect(await passing(consul, "web-admin")).toHaveLength(count);
    };
    await soon(() => both(1));
    const [web] = await passing(consul, "web");
    expect(web?.Service).toMatchObject({ ID: "web-HOST", Address: "127.0.0.1", Port: 8080, Tags: ["blue", "v2"] });
    const [admin] = await passing(consul, "web-admin");
    expect(admin?.Service).toMatchObject({ ID: "web-admin-HOST", Address: "10.1.2.3", Port: 8001 });
    // The line follows the agent's answer.
    for (const line of [/Service registered: web\n/g, /Service registered: web-admin\n/g]) {
      await soon(() => expect(times(box, line)).toBe(1));
    }
    box.signal("SIGUSR1");
    await soon(() => both(0));
    expect(times(box, /Marking for maintenance: web(-admin)?\n/g)).toBe(2);
    box.signal("SIGUSR1");
    await soon(() => both(1));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(times(box, /Deregistering service: web(-admin)?\n/g)).toBe(2);
    expect(box.stdout).toMatch(/^prestop\n[\s\S]*^got TERM\n[\s\S]*^poststop app was \d+$/m);
    expect(box.stdout).toMatch(/ exit status 3\n/);
    await both(0);
  });

  it("gives the application both addresses, and its code is the container's", async () => {
    const consul = await consulAgent();
    const box = await run({
      config: WEB,
      files: hosts,
      net: consul.net,
      words: sh("echo serving on {{ .CONTAINERPILOT_WEB_IP }} and {{ .CONTAINERPILOT_WEB_ADMIN_IP }}; exit 5"),
    });
    expect(await box.exit).toEqual({ code: 5 });
    expect(box.stdout).toContain("prestart for dev\n");
    expect(box.stdout).toContain("serving on 127.0.0.1 and 10.1.2.3\n");
  });
});

describeContainers("a proxy with backends", () => {
  it("warns of the old key, watches by tag, hides lines at WARN, and kills what takes too long", async () => {
    const consul = await consulAgent();
    const put = (id: string, more: object) =>
      consul.json("/v1/agent/service/register", { ID: id, Port: 1, Address: "10.0.0.1", ...more });
    await put("db-1", { Name: "db", Tags: ["primary"] });
    await put("db-2", { Name: "db", Tags: ["replica"] });
    await put("cache-1", { Name: "cache" });
    const box = await run({
      config: PROXY,
      env: { CONSUL_ADDR: "127.0.0.1:8500", TOK: "t0k", PEERS: "a,b" },
      files: { changes: "" },
      net: consul.net,
      words: sh("until [ -e go ]; do sleep 0.1; done"),
    });
    await box.waitFor(/level=warning msg="cache\.onChange timeout after 1: '\[10\]'"/);
    await box.waitFor(/level=warning msg="killing command for cache\.onChange"/);
    await soon(async () => expect((await box.inside("cat", `${box.folder}/changes`)).stdout).toBe("db changed a+b\n"));
    await box.inside("touch", `${box.folder}/go`);
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout).toContain("onstart alias\n");
    expect(box.output).toMatch(/onStart.*preStart/);
    expect(box.output).not.toContain("db changed");
    expect(box.output).not.toContain("t0k");
  });
});
