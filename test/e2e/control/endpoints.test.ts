import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers } from "../harness.ts";
import { soon, times } from "../v2/stage.ts";
import { ask, controlled, main, v3 } from "./stage.ts";

const NOT_FOUND = "404 page not found\n";
const WRONG_METHOD = "Method Not Allowed\n";
const UNPROCESSABLE = "Unprocessable Entity\n";

describeContainers("the control socket", () => {
  it("is there for its owner alone, told to children, and gone at the end", async () => {
    const box = await controlled(v3());
    await box.waitFor(/^\S+ main \d+ main is up$/m);
    expect(statSync(box.socket).mode & 0o7777).toBe(0o600);
    expect(box.output).toContain(`CONTAINERPILOT_SOCKET=${box.socket}\n`);
    expect(box.output).toMatch(new RegExp(`^\\S+ control: serving at ${box.socket}$`, "m"));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    expect(existsSync(box.socket)).toBe(false);
  });

  it("answers as the original does, to the byte", async () => {
    const box = await controlled(v3());
    const table: [string, string, string | undefined, number, string][] = [
      ["GET", "/v3/ping", undefined, 200, "\n"],
      ["POST", "/v3/ping", "whatever", 200, "\n"],
      ["HEAD", "/v3/ping", undefined, 200, ""],
      ["GET", "/v3/ping?a=b", undefined, 200, "\n"],
      ["GET", "/v3/%70ing", undefined, 200, "\n"],
      ["GET", "/v3/%zz", undefined, 404, NOT_FOUND],
      ["GET", "/v3/ping/", undefined, 404, NOT_FOUND],
      ["GET", "/", undefined, 404, NOT_FOUND],
      ["POST", "/v3/env", "{}", 404, NOT_FOUND],
      ["POST", "/v3/environ", '{"A":"1"}', 200, "\n"],
      ["POST", "/v3/environ", '{"A":null}', 200, "\n"],
      ["POST", "/v3/environ", "null", 200, "\n"],
      ["POST", "/v3/environ", '"null"', 422, UNPROCESSABLE],
      ["POST", "/v3/environ", '{"A":1}', 422, UNPROCESSABLE],
      ["POST", "/v3/environ", '{"A":"1"}x', 422, UNPROCESSABLE],
      ["POST", "/v3/environ", "", 422, UNPROCESSABLE],
      ["GET", "/v3/environ", undefined, 405, WRONG_METHOD],
      ["PUT", "/v3/environ", '{"A":"1"}', 405, WRONG_METHOD],
      ["HEAD", "/v3/environ", undefined, 405, ""],
      ["POST", "/v3/metric", '{"unknown":1}', 200, "\n"],
      ["POST", "/v3/metric", "[1]", 422, UNPROCESSABLE],
      ["POST", "/v3/metric", '{"a":1e999}', 422, UNPROCESSABLE],
      ["GET", "/v3/metric", undefined, 405, WRONG_METHOD],
      ["GET", "/v3/reload", undefined, 405, WRONG_METHOD],
      ["GET", "/v3/maintenance/enable", undefined, 405, WRONG_METHOD],
      ["POST", "/v3/maintenance/enable", "no JSON", 200, "\n"],
      ["POST", "/v3/maintenance/enable", undefined, 200, "\n"],
      ["POST", "/v3/maintenance/disable", undefined, 200, "\n"],
      ["POST", "/v3/maintenance", undefined, 404, NOT_FOUND],
    ];
    for (const [method, path, body, code, text] of table) {
      const answer = await ask(box.socket, { method, path, ...(body !== undefined && { body }) });
      expect({ method, path, code: answer.code, body: answer.body }).toEqual({ method, path, code, body: text });
      expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
      expect(answer.headers.connection).toBe("close");
      expect(answer.headers["x-content-type-options"]).toBe(code === 200 ? undefined : "nosniff");
    }
    expect(times(box, /Entering maintenance/g)).toBe(1);
    expect(times(box, /Leaving maintenance/g)).toBe(1);
    expect(times(box, /no metric takes values for "unknown"/g)).toBe(1);
  });

  it("environ: is seen by what starts later and by templates, whole, and nothing of a wrong body is", async () => {
    const text = JSON.stringify(
      v3({ jobs: [{ ...main, exec: ["sh", "-c", "env; echo main is up, TEMPLATE; exec sleep 1000"] }] }),
    );
    const box = await controlled(text.replace("TEMPLATE", '{{ .TOLD | default "nothing" }}'));
    await box.waitFor(/main is up, nothing/);
    const told = JSON.stringify({
      TOLD: 'a=b "c"\\ ü',
      EMPTY: null,
      "A=B": "no",
      "": "no",
      NUL: "a\0b",
      LONG: "x".repeat(131_072),
    });
    expect(await ask(box.socket, { path: "/v3/environ", body: told })).toMatchObject({ code: 200 });
    expect(await ask(box.socket, { path: "/v3/environ", body: '{"GOOD":"x","BAD":1}' })).toMatchObject({ code: 422 });
    expect(await ask(box.socket, { path: "/v3/environ", body: Buffer.from('{"ODD":"\xff"}', "latin1") })).toMatchObject(
      { code: 200 },
    );
    for (const name of ["A=B", "", "NUL", "LONG"]) {
      await box.waitFor(new RegExp(`environ: ${JSON.stringify(name)} is left out`));
    }
    const before = box.output.length;
    writeFileSync(join(box.folder, "config.json"), readFileSync(join(box.folder, "config.json")));
    expect(await ask(box.socket, { path: "/v3/environ", body: '{"TOLD":"x=y"}' })).toMatchObject({ code: 200 });
    expect(await ask(box.socket, { path: "/v3/reload" })).toMatchObject({ code: 200, body: "\n" });
    await box.waitFor(/main is up, x=y/);
    const after = box.output.slice(before);
    expect(after).toMatch(/ EMPTY=$/m);
    expect(after).toMatch(/ ODD=\ufffd$/m);
    expect(after).not.toMatch(/ (GOOD|BAD|NUL|LONG)=/);
  });

  it("metric: all four types, by whatever name they go, and only what makes sense", async () => {
    const metric = (name: string, type: string): object => ({ name, type, help: "h" });
    const port = 19_300 + (process.pid % 500);
    const metrics = [
      { ...metric("hits", "counter"), namespace: "shop", subsystem: "web" },
      metric("queue", "gauge"),
      metric("latency", "histogram"),
      metric("size", "summary"),
    ];
    const box = await controlled(v3({ telemetry: { port, interfaces: ["static:127.0.0.1"], metrics } }), {
      net: "own",
    });
    const post = async (body: object): Promise<void> => {
      expect(await ask(box.socket, { path: "/v3/metric", body: JSON.stringify(body) })).toMatchObject({ code: 200 });
    };
    await post({ shop_web_hits: 1, __queue: "4", latency: 0.3, __size: 7 });
    await post({ shop_web_hits: "2.5", queue: 5 });
    await post({ shop_web_hits: -1 });
    await post({ queue: true });
    const script = `fetch("http://127.0.0.1:${port}/metrics").then(async (r) => process.stdout.write(await r.text()))`;
    await soon(async () => {
      const { stdout } = await box.inside(process.execPath, "-e", script);
      expect(stdout).toMatch(/^shop_web_hits 3\.5$/m);
      expect(stdout).toMatch(/^queue 5$/m);
      expect(stdout).toMatch(/^latency_bucket\{le="0\.5"\} 1$/m);
      expect(stdout).toMatch(/^size_sum 7$/m);
      expect(stdout).toMatch(/^containerpilot_control_http_requests\{code="200",path="\/v3\/metric"\} 4$/m);
    }, 25_000);
    expect(box.output).toMatch(/shop_web_hits: "-1" is left out: a counter only goes up/);
    expect(box.output).toMatch(/queue: "true" is not a number/);
  });

  it("reload: one line each, a wrong configuration changes nothing, and the socket may move", async () => {
    const box = await controlled(v3());
    await box.waitFor(/main is up/);
    expect(await ask(box.socket, { path: "/v3/reload" })).toMatchObject({ code: 200, body: "\n" });
    await box.waitFor(/control: reloaded app via control plane/);
    await soon(() => expect(times(box, /main is up/g)).toBe(2), 25_000);
    expect(times(box, /control: reloading app via control plane/g)).toBe(1);
    expect(times(box, /control: reloaded app via control plane/g)).toBe(1);
    expect(times(box, /control: serving at /g)).toBe(2);
    writeFileSync(join(box.folder, "config.json"), "{ consul: }");
    const refused = await ask(box.socket, { path: "/v3/reload" });
    expect(refused.code).toBe(422);
    expect(refused.body).toMatch(/^Unprocessable Entity\n.*config\.json:1:/);
    expect(times(box, /main is up/g)).toBe(2);
    writeFileSync(join(box.folder, "config.json"), JSON.stringify(v3({ control: { socket: "moved.sock" } })));
    expect(await ask(box.socket, { path: "/v3/reload" })).toMatchObject({ code: 200 });
    const moved = join(box.folder, "moved.sock");
    await box.waitFor(new RegExp(`control: serving at ${moved}$`, "m"));
    expect(await ask(moved, { path: "/v3/ping" })).toMatchObject({ code: 200 });
    expect(existsSync(box.socket)).toBe(false);
    await box.waitFor(new RegExp(`CONTAINERPILOT_SOCKET=${moved}$`, "m"));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    expect(existsSync(moved)).toBe(false);
  });
});
