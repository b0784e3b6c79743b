import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { targetOf } from "../../../src/catalog/consul-target.ts";
import type { CatalogSettings } from "../../../src/plan.ts";

type Settings = Extract<CatalogSettings, { kind: "consul" }>;
const folder = mkdtempSync(join(tmpdir(), "consul-target-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const consul = (more: Partial<Settings> = {}): Settings => ({ kind: "consul", address: "", ...more });

describe("where the agent is", () => {
  test.each<[string, Partial<Settings>, Record<string, string>, string]>([
    ["nothing said", {}, {}, "http://127.0.0.1:8500/v1"],
    ["the variable", {}, { CONSUL_HTTP_ADDR: "consul:8500" }, "http://consul:8500/v1"],
    ["the configuration first", { address: "a:1" }, { CONSUL_HTTP_ADDR: "b:2" }, "http://a:1/v1"],
    ["a scheme in the variable", {}, { CONSUL_HTTP_ADDR: "https://b:2" }, "https://b:2/v1"],
    ["SSL by variable", { address: "a:1" }, { CONSUL_HTTP_SSL: "true" }, "https://a:1/v1"],
    [
      "the written scheme before the variable",
      { address: "a:1", scheme: "http" },
      { CONSUL_HTTP_SSL: "1" },
      "http://a:1/v1",
    ],
    ["never back to http", { address: "http://a:1", scheme: "https" }, {}, "https://a:1/v1"],
    ["no port", { address: "consul" }, {}, "http://consul/v1"],
    ["a path, and a slash", { address: "proxy:80/consul/" }, {}, "http://proxy/consul/v1"],
    ["IPv6", { address: "[::1]:8500" }, {}, "http://[::1]:8500/v1"],
    ["empty variables are none", {}, { CONSUL_HTTP_ADDR: "", CONSUL_HTTP_SSL: "" }, "http://127.0.0.1:8500/v1"],
    ["another truth is none", { address: "a:1" }, { CONSUL_HTTP_SSL: "yes" }, "http://a:1/v1"],
  ])("%s", (_, settings, env, url) => {
    expect(targetOf(consul(settings), env).baseUrl).toBe(url);
  });

  test("a socket", () => {
    const target = targetOf(consul({ address: "unix:///run/consul.sock" }), {});
    expect(target).toMatchObject({ socketPath: "/run/consul.sock", baseUrl: "http://localhost/v1", secure: false });
  });

  test.each(["::1:8500", "a b", "http://", "host:port"])("%j is refused in words", (address) => {
    expect(() => targetOf(consul({ address }), {})).toThrow(/Consul's address ".*" is not host:port/);
  });

  test("an unknown scheme is named", () => {
    expect(() => targetOf(consul({ address: "tcp://a:1" }), {})).toThrow(
      "begins with tcp://; known are http, https and unix",
    );
  });

  test("a user and password in the address are used and never shown", () => {
    const target = targetOf(consul({ address: "me:secret@consul:8500" }), {});
    expect(target.baseUrl).toBe("http://me:secret@consul:8500/v1");
    expect(target.shown).toBe("http://consul:8500");
    expect(() => targetOf(consul({ address: "me:secret@host:port" }), {})).toThrow(/"host:port"/);
  });
});

describe("the token", () => {
  const one = file("one", "from-one\n");
  const two = file("two", "from-two");

  test.each<[string, Partial<Settings>, Record<string, string>, string | undefined]>([
    ["none", {}, {}, undefined],
    ["the variable wins", { token: "a", tokenFile: one }, { CONSUL_HTTP_TOKEN: "b" }, "b"],
    ["then the configuration", { token: "a", tokenFile: one }, { CONSUL_HTTP_TOKEN_FILE: two }, "a"],
    ["then its file", { tokenFile: one }, { CONSUL_HTTP_TOKEN_FILE: two }, "from-one"],
    ["then the variable's file", {}, { CONSUL_HTTP_TOKEN_FILE: two }, "from-two"],
    ["an empty variable is none", { token: "a" }, { CONSUL_HTTP_TOKEN: "" }, "a"],
  ])("%s", async (_, settings, env, token) => {
    expect(await targetOf(consul(settings), env).token()).toBe(token);
  });

  test("a file is read again each time, and its absence is told with its name", async () => {
    const target = targetOf(consul({ tokenFile: join(folder, "rotated") }), {});
    await expect(target.token()).rejects.toMatchObject({
      kind: "refused",
      message: `cannot read Consul's token file ${join(folder, "rotated")}: ENOENT`,
    });
    file("rotated", "first");
    expect(await target.token()).toBe("first");
    file("rotated", "second");
    expect(await target.token()).toBe("second");
  });
});

describe("TLS", () => {
  test.each<[Partial<Settings>, string | undefined, boolean]>([
    [{}, undefined, true],
    [{ tls: { verify: false } }, undefined, false],
    [{ tls: { verify: true } }, "false", false],
    [{ tls: { verify: false } }, "1", true],
    [{ tls: { verify: false } }, "perhaps", false],
  ])("verification by %j and CONSUL_HTTP_SSL_VERIFY=%s is %s", (settings, variable, verify) => {
    expect(targetOf(consul(settings), { CONSUL_HTTP_SSL_VERIFY: variable }).verify).toBe(verify);
  });

  test("files and the server's name come from the configuration, and from variables before it", async () => {
    const [ca, cert, key, other] = ["ca", "cert", "key", "other"].map((name) => file(`${name}.pem`, name)) as [
      string,
      string,
      string,
      string,
    ];
    const settings = consul({ tls: { ca, cert, key, serverName: "consul.test", verify: true } });
    const target = targetOf(settings, {});
    expect(target.serverName).toBe("consul.test");
    expect(await target.certificates()).toEqual({ ca: ["ca"], cert: "cert", key: "key" });
    const by = {
      CONSUL_CACERT: other,
      CONSUL_CLIENT_CERT: other,
      CONSUL_CLIENT_KEY: other,
      CONSUL_TLS_SERVER_NAME: "x",
    };
    expect(targetOf(settings, by).serverName).toBe("x");
    expect(await targetOf(settings, by).certificates()).toEqual({ ca: ["other"], cert: "other", key: "other" });
  });

  test("a folder of certificates is read in order; the system's collection only without one", async () => {
    const many = join(folder, "many");
    mkdirSync(many);
    writeFileSync(join(many, "b.pem"), "b");
    writeFileSync(join(many, "a.pem"), "a");
    const system = file("system.pem", "system");
    const env = { SSL_CERT_FILE: system };
    expect((await targetOf(consul(), { ...env, CONSUL_CAPATH: many }).certificates()).ca).toEqual(["a", "b"]);
    expect((await targetOf(consul(), env).certificates()).ca).toEqual(["system"]);
  });

  test("a missing file is told with its name", async () => {
    const gone = join(folder, "gone.pem");
    const asked = targetOf(consul({ tls: { ca: gone, verify: true } }), {}).certificates();
    await expect(asked).rejects.toMatchObject({
      kind: "refused",
      message: `cannot read Consul's CA certificate ${gone}: ENOENT`,
    });
  });
});
