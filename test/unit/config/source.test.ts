import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { load } from "../../../src/config/load.ts";
import { renderConfig } from "../../../src/config/render.ts";
import { sourceOf } from "../../../src/config/source.ts";
import { accepted, request } from "./world.ts";

const folder = mkdtempSync(join(tmpdir(), "cp-source-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("sourceOf", () => {
  it.each([
    ["file:///etc/cp.json", "file", "/etc/cp.json"],
    ["file://rel.json", "file", "rel.json"],
    ["file:///a/file:///b", "file", "/a/file:///b"],
    ["/etc/cp.json5", "path", "/etc/cp.json5"],
    ["cp.json", "path", "cp.json"],
    ['{"consul": "x"}', "inline", "-config"],
    ["  \n{ }", "inline", "-config"],
    ["[]", "inline", "-config"],
    ["<>", "inline", "-config"],
    ['{{ if .X }}{"consul": "x"}{{ end }}', "inline", "-config"],
    ["// comment\n{}", "inline", "-config"],
  ])("%j is a %s", (config, kind, name) => expect(sourceOf(config, "-config")).toEqual({ kind, name }));
});

describe("load", () => {
  it("takes the flag before the variable", async () => {
    const env = { CONTAINERPILOT: '{"consul": "variable:8500"}' };
    expect((await accepted("", { env })).deeds.catalog).toMatchObject({ address: "variable:8500" });
    expect((await accepted('{"consul": "flag:8500"}', { env })).deeds.catalog).toMatchObject({ address: "flag:8500" });
  });

  it.each([
    ["no such file", join(folder, "none"), "there is no such file (ENOENT)"],
    ["a folder", folder, "it is a directory (EISDIR)"],
    ["a file as a folder", join(file("plain", ""), "x"), "a part of the path is no directory (ENOTDIR)"],
  ])("%s: 66", async (_, path, reason) => {
    for (const config of [path, `file://${path}`]) {
      const result = await load(request(config));
      expect(result).toMatchObject({ ok: false, exitCode: 66 });
      expect(!result.ok && result.problems).toEqual([expect.stringContaining(`${path}  cannot be read: ${reason}`)]);
    }
  });

  it.each(["", " ", "\0\0", "\ufffd\ufffe", "\u0007"])("text that is nothing (%j): 78", async (text) => {
    expect(await load(request(`file://${file("nothing", text)}`))).toMatchObject({ ok: false, exitCode: 78 });
  });

  it("takes a byte order mark", async () => {
    const path = file("bom", `\ufeff${JSON.stringify({ consul: "c:1" })}`);
    expect((await accepted(`file://${path}`)).deeds.catalog).toMatchObject({ address: "c:1" });
  });
});

describe("the dialect", () => {
  const text = '{"consul": "c:1"}';
  const path = file("neutral.json", text);

  it.each<[string, string, string[], string]>([
    ["a URL", `file://${path}`, [], "v2"],
    ["inline text", text, [], "v2"],
    ["a path with application words", path, ["/bin/app"], "v2"],
    ["a path", path, [], "v3"],
  ])("of neutral keys: %s", async (_, config, words, dialect) => {
    expect((await accepted(config, { words })).dialect).toBe(dialect);
  });

  it.each<[object, string]>([
    [{ services: [] }, "v2"],
    [{ backends: [] }, "v2"],
    [{ tasks: [] }, "v2"],
    [{ coprocesses: [] }, "v2"],
    [{ preStart: "x" }, "v2"],
    [{ onStart: "x" }, "v2"],
    [{ preStop: "x" }, "v2"],
    [{ postStop: "x" }, "v2"],
    [{ telemetry: { sensors: [] } }, "v2"],
    [{ jobs: [] }, "v3"],
    [{ watches: [] }, "v3"],
    [{ control: {} }, "v3"],
    [{ telemetry: { metrics: [] } }, "v3"],
    [{ exit: {} }, "v3"],
    [{ reload: "all" }, "v3"],
  ])("of %j, wherever it comes from", async (given, dialect) => {
    const bare = file("keys.json", JSON.stringify(given));
    for (const config of [JSON.stringify(given), bare, `file://${bare}`]) {
      expect((await accepted(config)).dialect).toBe(dialect);
    }
  });
});

describe("renderConfig", () => {
  const render = async (config: string, env: Record<string, string>): Promise<string> => {
    const result = await renderConfig({ config, env });
    return result.ok ? Buffer.from(result.bytes).toString("latin1") : `${result.exitCode} ${result.problems[0]}`;
  };

  it("renders and checks nothing", async () => {
    expect(await render("{{ .A }} is no JSON [", { A: "b=c=d" })).toBe("b=c=d is no JSON [");
    expect(await render("{no: template", {})).toBe("{no: template");
  });

  it("gives bytes that are no UTF-8 back as they are", async () => {
    const path = file("latin", Uint8Array.from([0x7b, 0xe9, 0xff, 0x7d, 0x7b, 0x7b, 0x31, 0x7d, 0x7d]));
    expect(await render(`file://${path}`, {})).toBe("{\u00e9\u00ff}1");
  });

  it("tells why it cannot", async () => {
    expect(await render("{{ .A", {})).toMatch(/^78 -config:1:\d+ {2}/);
    expect(await render("/none", {})).toMatch(/^66 \/none {2}cannot be read/);
    expect(await render("", {})).toMatch(/^78 containerpilot {2}no configuration/);
  });
});
