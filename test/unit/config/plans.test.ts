/**
 * Eight configurations that use every key of the originals, and the Plan and deeds that come of them. The snapshots in
 * `plans/` are the review: `npx vitest run test/unit/config/plans.test.ts --update` rewrites them.
 */
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Accepted, accepted } from "./world.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/config");

const CASES: Record<string, { env?: Record<string, string>; words?: string[] }> = {
  "v2-a-web.json": {
    env: { APP_ENV: "prod", PORT: "8080" },
    words: ["sh", "-c", "echo serving on {{ .CONTAINERPILOT_WEB_IP }} and {{ .CONTAINERPILOT_WEB_ADMIN_IP }}; exit 5"],
  },
  "v2-b-worker.json": {},
  "v2-c-proxy.json": { env: { CONSUL_ADDR: "consul:8500", TOK: "t0k", PEERS: "a,b" } },
  "v2-d-telemetry.json": {},
  "v3-a-web.json5": { env: { RELEASE: "7" }, words: [] },
  "v3-b-worker.json5": { words: [] },
  "v3-c-watch.json5": { env: { APP_TOKEN: "t0k" }, words: [] },
  "v3-d-telemetry.json5": { words: [] },
};

const INTERFACES = [
  { name: "eth0", address: "192.168.77.4" },
  { name: "eth0", address: "192.168.77.5" },
  { name: "eth1", address: "10.55.0.9" },
];

/** JSON with everything on one line that fits on one. */
function layOut(value: unknown, indent: string): string {
  const line = JSON.stringify(value);
  if (typeof value !== "object" || value === null || line.length + indent.length <= 120) return line;
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const items = Array.isArray(value)
    ? value.map((item) => layOut(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${layOut(item, inner)}`);
  return `${open}\n${items.map((item) => inner + item).join(",\n")}\n${indent}${close}`;
}

/** Without fingerprints, which have a test of their own. */
function text({ plan, deeds, warnings }: Accepted): string {
  const plain = JSON.stringify({ plan, deeds, warnings }, (key, value: unknown) => {
    if (value === Number.POSITIVE_INFINITY) return "Infinity";
    return key === "print" ? undefined : value;
  });
  return `${layOut(JSON.parse(plain), "").replaceAll(`${FIXTURES}/`, "")}\n`;
}

it.each(Object.entries(CASES))("%s", async (name, { env = {}, words = ["/bin/app", "--its"] }) => {
  const v2 = name.startsWith("v2");
  const config = `${v2 ? "file://" : ""}${join(FIXTURES, name)}`;
  const loaded = await accepted(config, { env, words, interfaces: INTERFACES, version: "4.0.0" });
  await expect(text(loaded)).toMatchFileSnapshot(`plans/${name.replace(/\.json5?$/, "")}.txt`);
});
