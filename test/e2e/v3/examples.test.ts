/** Whole configurations of ContainerPilot 3, which together use every key, as its users run them. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import {
  type Container,
  consulAgent,
  describeContainers,
  PATH,
  root,
  type Server,
  tempFolder,
  writeFiles,
} from "../harness.ts";
import { passing, soon, times } from "../v2/stage.ts";
import { start } from "./stage.ts";

const config = (name: string): string => readFileSync(join(root, "test/fixtures/config", `v3-${name}.json5`), "utf8");
const withOurs = { PATH: `${join(root, "dist")}:${PATH}` };

/** A key and a certificate for `name`, signed by the authority `ca`, which is made first. */
function certify(folder: string): void {
  const openssl = (...words: string[]): Buffer => execFileSync("openssl", words, { cwd: folder, stdio: "pipe" });
  const key = (name: string): string[] => ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}-key.pem`];
  openssl("req", "-x509", ...key("ca"), "-subj", "/CN=ca", "-days", "2", "-out", "ca.pem");
  writeFiles(folder, { ext: "subjectAltName=DNS:consul.test" });
  for (const name of ["agent", "client"]) {
    openssl("req", ...key(name), "-subj", `/CN=${name}`, "-out", "csr");
    const by = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-extfile", "ext"];
    openssl("x509", "-req", "-in", "csr", ...by, "-days", "2", "-out", `${name}.pem`);
  }
}

describeContainers("an example", () => {
  let consul: Server;
  let certificates: string;
  beforeAll(async () => {
    certificates = tempFolder();
    certify(certificates);
    const files = ["ca_file=ca", "cert_file=agent", "key_file=agent-key"].map((each) => {
      const [key, name] = each.split("=");
      return `${key} = "${join(certificates, `${name}.pem`)}"`;
    });
    const hcl = ["ports { https = 8501 }", ...files, "verify_incoming_https = true"];
    consul = await consulAgent(undefined, ["-hcl", hcl.join("\n")]);
  });
  const end = async (box: Container): Promise<void> => {
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  };

  it("with setup, drain and cleanup", async () => {
    const box = await start(config("a-web"), {
      net: consul.net,
      hostname: "box",
      env: { WEB_PORT: "8123", RELEASE: "7" },
    });
    await soon(async () => expect(await passing(consul, "web")).toHaveLength(1));
    const [row] = await passing(consul, "web");
    expect(row?.Service).toMatchObject({ ID: "web-box", Address: "10.9.8.7", Port: 8123, Tags: ["blue", "v7"] });
    expect(row?.Service.EnableTagOverride).toBe(true);
    await end(box);
    expect(box.output).toMatch(/ prep \d+ preparing\n/);
    const order = ["Startup global", "ExitSuccess prep", "Shutdown global", "Stopping web", "ExitSuccess drain"];
    const [first = /x/, ...rest] = [...order, "Stopped web"].map((event) => new RegExp(`event: \\{${event}\\}`));
    let at = box.output.search(first);
    for (const pattern of [...rest, /^cleaned$/m]) {
      const found = box.output.slice(at).search(pattern);
      expect(found, String(pattern)).toBeGreaterThan(-1);
      at += found;
    }
    expect(await passing(consul, "web")).toEqual([]);
  });

  it("with the catalog absent runs all the same, and stops in its order", async () => {
    const box = await start(config("a-web"), { net: "own" });
    await box.waitFor(/event: \{StatusHealthy web\}/);
    await end(box);
    expect(box.output).toMatch(/event: \{ExitSuccess drain\}[\s\S]*event: \{Stopped web\}[\s\S]*^cleaned$/m);
  });

  it("with schedules, signals and a log file", async () => {
    const box = await start(config("b-worker").replace("250ms", "1s"), { net: consul.net, env: withOurs });
    const log = async (): Promise<string> => (await box.inside("cat", "/run/cpb.log")).stdout;
    const count = async (word: string): Promise<number> => (await log()).split(`"msg":"${word}"`).length - 1;
    await soon(async () => expect(await log()).toContain("flaky is not restarted any more."));
    await soon(async () => expect(await count("burst")).toBe(3));
    expect(await count("flaky exited with error: exit status 1")).toBe(4);
    expect(await count("swept")).toBe(1);
    box.signal("SIGHUP");
    await soon(async () => expect(await count("hup")).toBe(1));
    box.signal("SIGUSR2");
    await soon(async () => expect(await count("usr2")).toBe(1));
    const ask = (word: string) =>
      box.inside(
        join(root, "dist/containerpilot"),
        "-config",
        join(box.folder, "containerpilot.json5"),
        "-maintenance",
        word,
      );
    expect((await ask("enable")).code).toBe(0);
    await soon(async () => expect(await count("parked")).toBe(1));
    expect((await ask("disable")).code).toBe(0);
    await soon(async () => expect(await count("unparked")).toBe(1));
    expect(await count("burst")).toBe(3);
    await end(box);
  });

  it("with watches made by the template, and Consul over TLS", async () => {
    const box = await start(
      config("c-watch")
        .replaceAll("/run/cpc-cert", "client")
        .replaceAll("/run/cpc-key", "client-key")
        .replaceAll("/run/cpc-ca", "ca")
        .replace('"WARN"', '"INFO"'),
      {
        net: consul.net,
        files: Object.fromEntries(
          ["ca.pem", "client.pem", "client-key.pem"].map((name) => [
            name,
            readFileSync(join(certificates, name), "utf8"),
          ]),
        ),
        env: { UPSTREAMS: "alpha,gamma" },
      },
    );
    const register = (name: string): Promise<unknown> =>
      consul.json("/v1/agent/service/register", { ID: name, Name: name, Tags: ["live"], Port: 1, Address: "10.0.0.1" });
    await box.waitFor(/control: serving/);
    await register("gamma");
    await box.waitFor(/msg="gamma moved" job=on-gamma/, "stderr");
    expect((await box.processes()).some(({ name }) => name === "sleep")).toBe(false);
    await register("alpha");
    await box.waitFor(/msg="alpha moved" job=on-alpha/, "stderr");
    await soon(async () => expect((await box.processes()).some(({ name }) => name === "sleep")).toBe(true));
    await consul.json("/v1/agent/service/deregister/alpha", {});
    await box.waitFor(/msg="lost alpha" job=degraded/, "stderr");
    expect(times(box, /gamma moved/g)).toBe(1);
    await end(box);
  });

  it("with telemetry: metrics of each type, a sensor that posts, and the status", async () => {
    const box = await start(config("d-telemetry").replace('interval: "5s"', 'interval: "300ms"'), {
      net: consul.net,
      hostname: "box",
      env: withOurs,
    });
    const page = async (path: string, how = {}): Promise<string> => (await consul.net.http(19199, path, how)).body;
    await soon(async () => expect(await page("/metrics")).toMatch(/^shop_web_hits ([2-9]|\d\d+)$/m));
    const control = join(root, "dist/containerpilot");
    const sent = ["queue=7", "queue=-2.5", "latency=0.3", "size=12", "hits=-1"].flatMap((pair) => [
      "-putmetric",
      `shop_web_${pair}`,
    ]);
    const put = (...words: string[]) =>
      box.inside(control, "-config", join(box.folder, "containerpilot.json5"), ...words);
    for (let at = 0; at < sent.length; at += 2) expect((await put(...sent.slice(at, at + 2))).code).toBe(0);
    await box.waitFor(/shop_web_hits: "-1" is left out: a counter only goes up/);
    const metrics = await page("/metrics");
    expect(metrics).toMatch(/^shop_web_queue -2\.5$/m);
    expect(metrics).toMatch(/^shop_web_latency_bucket\{le="0.25"\} 0\nshop_web_latency_bucket\{le="0.5"\} 1$/m);
    expect(metrics).toMatch(/^shop_web_size\{quantile="0.5"\} 12$/m);
    expect(metrics).toMatch(/^containerpilot_events\{code="ExitSuccess",source="sensor"\} \d+$/m);
    expect(metrics).toMatch(/^containerpilot_control_http_requests\{code="200",path="\/v3\/metric"\} \d+$/m);
    expect(metrics).toMatch(/^containerpilot_watch_instances\{service="db"\} 0$/m);
    await soon(async () => {
      expect(await page("/status")).toBe(
        `${JSON.stringify({
          Version: /^Version: (.*)$/m.exec((await put("-version")).stdout)?.[1],
          Jobs: [
            { Name: "sensor", Status: "unknown" },
            { Name: "side", Status: "healthy" },
          ],
          Services: [{ Name: "containerpilot", Address: "127.0.0.1", Port: 19199, Status: "healthy" }],
          Watches: ["db"],
        })}\n`,
      );
    });
    expect((await consul.net.http(19199, "/status", { method: "POST", body: "" })).status).toBe(405);
    const [row] = await passing(consul, "containerpilot");
    expect(row?.Service).toMatchObject({ ID: "containerpilot-box", Port: 19199 });
    await end(box);
    expect(await passing(consul, "containerpilot")).toEqual([]);
  });
});
