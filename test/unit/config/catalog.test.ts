import { describe, expect, it } from "vitest";
import type { CatalogSettings } from "../../../src/plan.ts";
import { accepted, refused } from "./world.ts";

async function catalog(
  given: object,
  env: Record<string, string> = {},
  words = ["/bin/app"],
): Promise<CatalogSettings> {
  return (await accepted(given, { env, words })).deeds.catalog;
}

/** The same in both dialects. */
const BOTH = [
  ["v2", { services: [] }],
  ["v3", { jobs: [] }],
] as const;

describe.each(BOTH)("%s", (_, rest) => {
  it.each<[unknown, object]>([
    ["consul:8500", { address: "consul:8500", scheme: "http" }],
    ["http://consul:8500", { address: "consul:8500", scheme: "http" }],
    ["https://consul:8501", { address: "consul:8501", scheme: "https" }],
    ["https://https://x", { address: "https://x", scheme: "https" }],
    ["httpshttps://x", { address: "httpshttps://x", scheme: "http" }],
    ["unix:///run/consul.sock", { address: "unix:///run/consul.sock", scheme: "http" }],
    ["", { address: "", scheme: "http" }],
    [{}, { address: "" }],
    [{ address: "c:1", scheme: "", token: "" }, { address: "c:1" }],
    [
      { address: "consul:8500", scheme: "https", token: "t" },
      { address: "consul:8500", scheme: "https", token: "t" },
    ],
  ])("consul %j", async (consul, settings) => {
    expect(await catalog({ ...rest, consul })).toEqual({ kind: "consul", ...settings });
  });

  it.each([5, [], null])("refuses consul: %j", async (consul) => {
    expect(await refused({ ...rest, consul })).toMatch(/consul: found .*; expected a text or an object/);
  });

  it.each<[unknown, string[]]>([
    ["http://etcd:4001", ["http://etcd:4001"]],
    [
      ["http://a:1", "https://b:2"],
      ["http://a:1", "https://b:2"],
    ],
  ])("etcd with endpoints %j", async (endpoints, list) => {
    expect(await catalog({ ...rest, etcd: { endpoints } })).toMatchObject({
      kind: "etcd",
      endpoints: list,
      prefix: "/containerpilot",
    });
  });

  it.each([
    {},
    { endpoints: [] },
    { endpoints: "etcd:4001" },
    { endpoints: 5 },
    { endpoints: ["http://a:1"], user: "x" },
  ])("refuses etcd: %j", async (etcd) => {
    expect(await refused({ ...rest, etcd })).toContain("etcd.");
  });

  it("takes a directory as a path or an object", async () => {
    expect(await catalog({ ...rest, directory: "/srv/c" })).toEqual({ kind: "directory", path: "/srv/c" });
    expect(await catalog({ ...rest, directory: { path: "/srv/c" } })).toEqual({ kind: "directory", path: "/srv/c" });
    expect(await refused({ ...rest, directory: {} })).toContain("directory.path: missing");
  });

  it("refuses two catalogs", async () => {
    expect(await refused({ ...rest, consul: "c", directory: "/srv/c" })).toContain("expected one catalog");
  });

  it("is a directory without any, silently where nothing needs one", async () => {
    const loaded = await accepted(rest);
    expect(loaded.deeds.catalog).toEqual({ kind: "directory", path: "/run/containerpilot/catalog" });
    expect(loaded.warnings.join()).not.toContain("catalog");
  });
});

it("etcd's version is the dialect's age, unless it is written", async () => {
  const etcd = { endpoints: "http://etcd:2379" };
  expect(await catalog({ services: [], etcd })).toMatchObject({ version: 2 });
  expect(await catalog({ jobs: [], etcd })).toMatchObject({ version: 3 });
  expect(await catalog({ services: [], etcd: { ...etcd, version: 3 } })).toMatchObject({ version: 3 });
});

it("ContainerPilot 3 has a tls block, and certificates are verified unless it says otherwise", async () => {
  const tls = { cafile: "/ca", capath: "", clientcert: "/cert", clientkey: "/key", servername: "n" };
  const consul = { address: "c:1", scheme: "https", tls };
  const files = { ca: "/ca", cert: "/cert", key: "/key", serverName: "n" };
  expect(await catalog({ jobs: [], consul })).toMatchObject({ tls: { ...files, verify: true } });
  const open = { ...consul, tls: { ...tls, capath: "/p", verify: false } };
  expect(await catalog({ jobs: [], consul: open })).toMatchObject({ tls: { ...files, caPath: "/p", verify: false } });
});

it("warns where a service or a watch needs a catalog", async () => {
  const service = { name: "web", port: 80, poll: 5, ttl: 10 };
  const backend = { name: "db", poll: 5, onChange: "x" };
  const health = { interval: 5, ttl: 15 };
  for (const given of [
    { services: [service] },
    { backends: [backend] },
    { telemetry: {}, services: [] },
    { jobs: [{ name: "web", port: 80, health }] },
    { watches: [{ name: "db", interval: 5 }] },
  ]) {
    expect((await accepted(given)).warnings.filter((line) => line.includes("no catalog"))).toHaveLength(1);
  }
});
