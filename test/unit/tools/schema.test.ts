/** The schema against the decoder: on real files, on random ones, and on every key's description. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { attemptLoad } from "../../../src/config/load.ts";
import { descriptionsOf } from "../../../src/tools/descriptions.ts";
import { type Schema, schemaOf } from "../../../src/tools/schema.ts";
import { V2, V3 } from "../config/arbitrary.ts";
import { request } from "../config/world.ts";

const CORPUS = resolve(process.env.CONTAINERPILOT_CORPUS ?? "../shared/corpus");

type Validate = ValidateFunction<unknown>;
let validate: { v2: Validate; v3: Validate; both: Validate };

beforeAll(() => {
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    allowMatchingProperties: true,
    allErrors: true,
    allowUnionTypes: true,
  });
  validate = {
    v2: ajv.compile(schemaOf("v2")),
    v3: ajv.compile(schemaOf("v3")),
    both: ajv.compile(schemaOf()),
  };
});

/** Faults that a schema of single values and keys can see. */
const VISIBLE = new Set([
  "unknown-key",
  "blank-name",
  "bad-number",
  "bad-word",
  "bad-duration",
  "empty-command",
  "missing",
  "wrong-type",
  "health-required",
]);

describe.skipIf(!existsSync(`${CORPUS}/expected.json`))("real files", () => {
  it("are valid exactly where they are accepted", async () => {
    const { files } = JSON.parse(readFileSync(`${CORPUS}/expected.json`, "utf8")) as {
      files: Record<string, { cases: { id: string; env: Record<string, string> }[] }>;
    };
    let seen = 0;
    for (const [name, { cases }] of Object.entries(files)) {
      for (const { id, env } of cases) {
        const config = `${name.startsWith("v2") ? "file://" : ""}${CORPUS}/${name}`;
        const { raw, dialect, loaded, problems } = await attemptLoad(request(config, { env }));
        if (raw === undefined || dialect === undefined) continue;
        const told = `${name} ${id} ${JSON.stringify(problems)}`;
        seen += 1;
        if (loaded) {
          expect(validate[dialect](raw), `${told} ${JSON.stringify(validate[dialect].errors)}`).toBe(true);
          expect(validate.both(raw), told).toBe(true);
        } else if (problems.some(({ code }) => VISIBLE.has(code))) expect(validate[dialect](raw), told).toBe(false);
      }
    }
    expect(seen).toBeGreaterThan(200);
  });
});

describe("random configurations", () => {
  it.each([
    ["v2", V2],
    ["v3", V3],
  ] as const)("of %s that are accepted are valid", async (dialect, arbitrary) => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(arbitrary, async (value) => {
        const attempt = await attemptLoad(request(value, { words: [], elsewhere: true }));
        const ignored = attempt.problems.some(({ code }) => code === "not-a-list");
        if (!attempt.loaded || ignored || attempt.dialect !== dialect || attempt.raw === undefined) return;
        accepted += 1;
        const right = validate[dialect](attempt.raw);
        expect(right, JSON.stringify(validate[dialect].errors)).toBe(true);
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 1000) },
    );
    // Some thirty of the thousand are accepted: none at all would mean that nothing was compared.
    expect(accepted).toBeGreaterThan(5);
  });
});

describe("single values", () => {
  const service = { name: "web", port: 80, poll: 5, ttl: 10 };
  const inService = (more: object): object => ({ consul: "c", services: [{ ...service, ...more }] });
  const inJob = (more: object): object => ({ consul: "c", jobs: [{ name: "web", exec: "x", ...more }] });

  it.each<[object, boolean]>([
    [inService({}), true],
    [inService({ port: "0x50" }), true],
    [inService({ port: true }), true],
    [inService({ port: "010" }), true],
    [inService({ port: 0 }), false],
    [inService({ port: 0.5 }), false],
    [inService({ port: "0" }), false],
    [inService({ port: "00" }), false],
    [inService({ port: "-1" }), false],
    [inService({ port: "" }), false],
    [inService({ port: null }), false],
    [inService({ health: "", timeout: "x" }), false],
    [inService({ timeout: "x" }), true],
    [inService({ health: "x", timeout: "x" }), false],
    [inService({ health: "x", timeout: "-1s" }), false],
    [inService({ health: "x", timeout: "1h10m" }), true],
    [inService({ health: "x", timeout: 1.5 }), false],
    [inService({ tags: "a" }), false],
    [inService({ tags: {} }), true],
    [inService({ tags: { a: 1 } }), false],
    [inService({ Tags: ["a"] }), true],
    [inService({ TAGS: "a" }), false],
    [inService({ tag: "a" }), false],
    [inService({ consul: { deregisterCriticalServiceAfter: "10" } }), false],
    [inService({ consul: { enableTagOverride: "nope" } }), false],
    [{ consul: "c", services: [{ NAME: "web", Port: 80, POLL: 5, Ttl: 10 }] }, true],
    [{ consul: "c", services: [null, service] }, true],
    [{ consul: "c", services: [5] }, false],
    [{ consul: "c", services: { a: 1 } }, false],
    [{ Consul: "c", services: [] }, false],
    [{ consul: "c", etcd: { endpoints: "http://a:1" }, services: [] }, false],
    [{ etcd: {}, services: [] }, false],
    [{ consul: "c", services: [], logging: { level: "Warn", output: "STDERR" } }, true],
    [{ consul: "c", services: [], logging: { level: "trace" } }, false],
    [{ consul: "c", services: [], signals: { SIGHUP: "stop", "RTMIN+3": "forward:SIGQUIT" } }, true],
    [{ consul: "c", services: [], signals: { SIGHUP: "dance" } }, false],
    [{ consul: "c", tasks: [{ command: "x", frequency: "" }] }, false],
    [{ consul: "c", tasks: [{ command: [], frequency: 1 }] }, false],
    [{ consul: "c", coprocesses: [{ command: "x", restarts: "1.5" }] }, false],
    [{ consul: "c", coprocesses: [{ command: "x", restarts: "unlimited" }] }, true],
  ])("v2 %j: %s", (value, right) => expect(validate.v2(value)).toBe(right));

  it.each<[object, boolean]>([
    [inJob({}), true],
    [inJob({ port: 80 }), false],
    [inJob({ port: 80, health: { interval: 5, ttl: 15 } }), true],
    [inJob({ port: 80, Health: { interval: 5, ttl: 15 } }), true],
    [inJob({ health: {} }), false],
    [inJob({ port: 0, initial_status: "ok" }), true],
    [inJob({ port: 80, health: { interval: 5, ttl: 15 }, initial_status: "ok" }), false],
    [inJob({ when: { interval: "5s", timeout: "x" } }), true],
    [inJob({ when: { once: "healthy", source: "a", timeout: "x" } }), false],
    [inJob({ when: { once: "exited", source: "a" } }), false],
    [inJob({ when: { once: "", source: "a" } }), true],
    [inJob({ backoff: false }), true],
    [inJob({ backoff: true }), false],
    [inJob({ main: "yes" }), false],
    [inJob({ meta: {} }), false],
    [{ jobs: [{ exec: "x" }] }, false],
    [{ jobs: [{ name: "" }] }, false],
    [{ jobs: [], exit: { of: "worst", map: { "143": 0, "1": "70" } } }, true],
    [{ jobs: [], exit: { map: { x: 0 } } }, false],
    [{ jobs: [], telemetry: { interfaces: "eth0" } }, false],
    [{ jobs: [], watches: [{ name: "db" }] }, false],
  ])("v3 %j: %s", (value, right) => expect(validate.v3(value)).toBe(right));
});

describe("descriptions", () => {
  /** Paths of all properties of a schema, as the descriptions name them. */
  function paths(schema: Schema, prefix: string): string[] {
    const inner = [schema, ...((schema.anyOf ?? []) as Schema[])].flatMap((one) => {
      const items = one.items as Schema | undefined;
      const properties = Object.entries((one.properties ?? {}) as Record<string, Schema>);
      return [
        ...properties.flatMap(([key, value]) => [prefix + key, ...paths(value, `${prefix}${key}.`)]),
        ...(items ? paths(items, `${prefix.slice(0, -1)}[].`) : []),
      ];
    });
    return [...new Set(inner)];
  }

  it.each(["v2", "v3"] as const)("say what every key of %s is for, and nothing else", (dialect) => {
    expect(paths(schemaOf(dialect), "").sort()).toEqual(Object.keys(descriptionsOf(dialect)).sort());
  });
});
