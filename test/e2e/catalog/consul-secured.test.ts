import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openConsul } from "../../../src/catalog/consul.ts";
import type { CatalogSettings } from "../../../src/plan.ts";
import { tempFolder } from "../harness/folder.ts";
import { ConsulAgent } from "./consul-agent.ts";
import { serviceOf, web } from "./contract.ts";
import { freePorts } from "./ports.ts";
import { Stage } from "./stage.ts";

type Settings = Extract<CatalogSettings, { kind: "consul" }>;
const service = serviceOf("web-host");

/** Registers by these settings, then lists; the agent is asked for what it knows past the code under test. */
async function use(settings: Omit<Settings, "kind">, env: Record<string, string> = {}): Promise<string[]> {
  const backend = openConsul({ kind: "consul", ...settings }, env);
  try {
    await backend.register(service, "passing", "");
    return (await backend.list(web)).map(({ id }) => id);
  } finally {
    backend.close();
  }
}

describe("https", () => {
  let folder: string;
  let open: ConsulAgent;
  let port: number;
  const pem = (name: string): string => join(folder, name);

  /** A key and a certificate for it, signed by `ca`, or by itself. */
  function certify(name: string, subject: string, extension: string, ca?: string): void {
    const key = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      pem(`${name}-key.pem`),
    ];
    const request = ["req", ...key, "-subj", `/CN=${subject}`];
    writeFileSync(pem("ext"), extension);
    if (ca === undefined) {
      execFileSync("openssl", [...request, "-x509", "-days", "2", "-addext", extension, "-out", pem(`${name}.pem`)], {
        stdio: "ignore",
      });
      return;
    }
    execFileSync("openssl", [...request, "-out", pem("csr")], { stdio: "ignore" });
    const by = ["-CA", pem(`${ca}.pem`), "-CAkey", pem(`${ca}-key.pem`), "-CAcreateserial", "-days", "2"];
    execFileSync(
      "openssl",
      ["x509", "-req", "-in", pem("csr"), ...by, "-extfile", pem("ext"), "-out", pem(`${name}.pem`)],
      {
        stdio: "ignore",
      },
    );
  }

  async function agent(extra: string): Promise<{ agent: ConsulAgent; port: number }> {
    const [https = 0] = await freePorts(1);
    const tls = `ca_file = "${pem("ca.pem")}" cert_file = "${pem("agent.pem")}" key_file = "${pem("agent-key.pem")}"`;
    const hcl = `ports { https = ${https} } ${tls} ${extra}`.replaceAll(/ (?=\w+ [={])/g, "\n");
    return { agent: await ConsulAgent.start("-hcl", hcl), port: https };
  }

  beforeAll(async () => {
    folder = tempFolder();
    certify("ca", "our CA", "keyUsage=keyCertSign");
    certify("other", "another CA", "keyUsage=keyCertSign");
    certify("agent", "agent", "subjectAltName=DNS:consul.test,IP:127.0.0.1,IP:::1", "ca");
    certify("client", "client", "extendedKeyUsage=clientAuth", "ca");
    const started = await agent('addresses { https = "127.0.0.1 ::1" }');
    open = started.agent;
    port = started.port;
  });

  const local = (): string => `127.0.0.1:${port}`;

  test("an agent whose CA is given is accepted; by address, by name, by variables", async () => {
    const tls = { ca: pem("ca.pem"), verify: true };
    expect(await use({ address: local(), scheme: "https", tls })).toEqual(["web-host"]);
    expect(await use({ address: `[::1]:${port}`, scheme: "https", tls })).toEqual(["web-host"]);
    expect(await use({ address: local(), scheme: "https", tls: { ...tls, serverName: "consul.test" } })).toEqual([
      "web-host",
    ]);
    const env = { CONSUL_HTTP_ADDR: local(), CONSUL_HTTP_SSL: "true", CONSUL_CACERT: pem("ca.pem") };
    expect(await use({ address: "" }, env)).toEqual(["web-host"]);
    expect(Object.keys(await open.json<object>("/v1/agent/services"))).toContain("web-host");
  });

  test.each<[string, () => Settings["tls"], Record<string, string>, RegExp]>([
    ["an unknown CA", () => undefined, {}, /unable to verify|self-signed|local issuer/],
    ["another CA", () => ({ ca: pem("other.pem"), verify: true }), {}, /unable to|signature/],
    ["another name", () => ({ ca: pem("ca.pem"), serverName: "other.test", verify: true }), {}, /other\.test/],
    [
      "checking asked for by variable",
      () => ({ verify: false }),
      { CONSUL_HTTP_SSL_VERIFY: "1" },
      /unable to|self-signed/,
    ],
  ])("%s is refused, and the message names the key to set", async (_, tls, env, says) => {
    const settings = tls();
    const used = use({ address: local(), scheme: "https", ...(settings === undefined ? {} : { tls: settings }) }, env);
    const error = await used.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: "refused" });
    expect(String(error)).toMatch(says);
    expect(String(error)).toMatch(/certificate is not accepted.*tls\.cafile or CONSUL_CACERT.*tls\.verify: false/);
  });

  test("an unknown CA is accepted when that is written", async () => {
    expect(await use({ address: local(), scheme: "https", tls: { verify: false } })).toEqual(["web-host"]);
    const env = { CONSUL_HTTP_SSL_VERIFY: "false" };
    expect(await use({ address: local(), scheme: "https", tls: { verify: true } }, env)).toEqual(["web-host"]);
  });

  test("a client certificate where the agent wants one", async () => {
    const strict = await agent("verify_incoming_https = true");
    const address = `127.0.0.1:${strict.port}`;
    const tls = { ca: pem("ca.pem"), verify: true };
    await expect(use({ address, scheme: "https", tls })).rejects.toMatchObject({ name: "CatalogError" });
    const own = { ...tls, cert: pem("client.pem"), key: pem("client-key.pem") };
    expect(await use({ address, scheme: "https", tls: own })).toEqual(["web-host"]);
  });

  test("http to the port of https is told, not waited for", async () => {
    await expect(use({ address: local() })).rejects.toMatchObject({
      message: /Unexpected response code: 400 \(.*HTTPS/,
    });
  });

  test("a watch over https", async () => {
    const stage = new Stage(
      openConsul({ kind: "consul", address: local(), scheme: "https", tls: { ca: pem("ca.pem"), verify: true } }, {}),
    );
    stage.session.watch("watch.web", web);
    await stage.announced(service);
    await stage.watched("watch.web", "web-host");
    await stage.withdraw(service);
    await stage.watched("watch.web", "");
  });
});

describe("access control", () => {
  const token = "5a5f1b1c-1111-4e5e-8888-000000000001";
  let agent: ConsulAgent;
  beforeAll(async () => {
    const tokens = `tokens {\n master = "${token}"\n agent = "${token}"\n }`;
    agent = await ConsulAgent.prepare("-hcl", `acl {\n enabled = true\n default_policy = "deny"\n ${tokens}\n }`);
    await agent.start(token);
  });

  test("without a token it is refused, with Consul's words", async () => {
    await expect(use({ address: agent.address })).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringMatching(
        /\/v1\/agent\/service\/register: Unexpected response code: 403 \(Permission denied/,
      ),
    });
  });

  test("a token from the configuration, from a variable, from a file", async () => {
    const file = join(tempFolder({ token: `${token}\n` }), "token");
    expect(await use({ address: agent.address, token })).toEqual(["web-host"]);
    expect(await use({ address: agent.address, token: "wrong" }, { CONSUL_HTTP_TOKEN: token })).toEqual(["web-host"]);
    expect(await use({ address: agent.address, tokenFile: file })).toEqual(["web-host"]);
  });

  test("a file that gets its token later heals by itself, and is told once with its name", async () => {
    const file = join(tempFolder(), "token");
    const stage = new Stage(openConsul({ kind: "consul", address: agent.address, tokenFile: file }, {}));
    stage.announce(service);
    await stage.line(`cannot read Consul's token file ${file}: ENOENT`);
    writeFileSync(file, token);
    await stage.line("Service registered: web");
    expect(stage.lines()).toHaveLength(3);
  });
});

test("a socket instead of a port", async () => {
  const socket = join(tempFolder(), "consul.sock");
  const agent = await ConsulAgent.start("-hcl", `addresses {\n http = "127.0.0.1 unix://${socket}"\n }`);
  expect(await use({ address: `unix://${socket}` })).toEqual(["web-host"]);
  expect(await use({ address: "" }, { CONSUL_HTTP_ADDR: `unix://${socket}` })).toEqual(["web-host"]);
  expect(Object.keys(await agent.json<object>("/v1/agent/services"))).toContain("web-host");
});

test("an address in IPv6", async () => {
  const agent = await ConsulAgent.start("-hcl", 'addresses {\n http = "127.0.0.1 ::1"\n }');
  expect(await use({ address: `[::1]:${agent.port}` })).toEqual(["web-host"]);
});

test("a host that does not resolve is told in time", async () => {
  const began = performance.now();
  await expect(use({ address: "no-such-host.invalid:8500" })).rejects.toMatchObject({ kind: "down" });
  expect(performance.now() - began).toBeLessThan(2_500);
});
