/** What is far too big, too deep or hostile ends within bounds, and random input never crashes the front end. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attemptLoad } from "../../../src/config/load.ts";
import { printLines } from "../../../src/config/print.ts";
import type { Loaded } from "../../../src/plan.ts";
import { V2, V3 } from "./arbitrary.ts";
import { accepted, loadText, refused, request } from "./world.ts";

function many(count: number, item: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => item(index)).join();
}

function jobs(count: number, item: (index: number) => string): string {
  return `{jobs: [${many(count, item)}]}`;
}

describe("big", () => {
  it("loads 10 000 jobs that wait for one another", async () => {
    const text = jobs(10_000, (n) => `{name: "j${n}", exec: "x", when: {source: "j${n + 1}", once: "stopped"}}`);
    const { plan, warnings } = await accepted(text, { words: [] });
    expect(plan.jobs).toHaveLength(10_000);
    expect(warnings).toHaveLength(1);
  });

  it("loads a MiB of tags", async () => {
    const tags = many(100_000, (n) => `"tag${n}"`);
    const { deeds } = await accepted(
      `{"services": [{"name": "web", "port": 1, "poll": 1, "ttl": 5, "tags": [${tags}]}]}`,
    );
    expect(deeds.services["web-HOST"]?.tags).toHaveLength(100_000);
  });

  it("shows the first hundred of very many problems and counts the rest", async () => {
    const text = jobs(10_000, (n) => `{name: "j${n}", exex: "x"}`);
    const lines = (await refused(text)).split("\n");
    expect(lines).toHaveLength(301);
    expect(lines[0]).toContain("jobs[0].exex");
    expect(lines.at(-1)).toBe("-config  and 9900 more");
  });

  it("shows a place in a line of a MiB", async () => {
    const text = `{"preStart": "${"x".repeat(1_000_000)}", "prestop": "x"}`;
    const [head, ...excerpt] = (await refused(text)).split("\n");
    expect(head).toBe("-config:1:1000018  prestop: unknown key; did you mean preStop?");
    for (const line of excerpt) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("refuses more text than anybody writes", async () => {
    expect(await refused(`"${"x".repeat(2 * 1024 * 1024)}"`)).toContain("too long; expected at most");
    expect(await refused("/dev/zero")).toContain("too long; expected at most");
    expect(await refused(`{{ range loop 3000 }}${"x".repeat(1000)}{{ end }}`)).toContain("too long; expected at most");
  });

  it("refuses hundreds of jobs of one name, each of which would wait for all", async () => {
    const same = (count: number): string =>
      jobs(count, () => '{name: "j", exec: "x", when: {source: "j", once: "stopped"}}');
    expect((await accepted(same(64), { words: [] })).plan.jobs).toHaveLength(64);
    expect(await refused(same(65))).toContain('"j" is the name of too many');
  });

  it.each(["[", '{"a":', "{a:", "[{a:"])("refuses nesting by %j without end", async (open) => {
    expect(await refused(`{"preStart": ${open.repeat(20_000)}`)).toContain("nested too deeply");
  });

  it("refuses nesting in good JSON, in a command of all places", async () => {
    expect(await refused(`{"preStart": ${"[".repeat(10_000)}${"]".repeat(10_000)}}`)).toContain("nested too deeply");
  });
});

describe("hostile", () => {
  it("stops a template that would never end", async () => {
    expect(await refused("{{ range loop 1000000000 }}x{{ end }}")).toContain("range loop 1000000000");
  });

  it.each([
    ["slashes in a name", jobs(1, () => `{name: "${"/".repeat(500_000)}x", exec: "x"}`)],
    ["dots in a name", jobs(1, () => `{name: "${".".repeat(500_000)}", exec: "x"}`)],
    ["an endless interval", jobs(1, () => `{name: "a", exec: "x", when: {interval: "${"1h".repeat(250_000)}"}}`)],
    ["quotes in a command", `{"preStart": "${"' ".repeat(500_000)}"}`],
    ["an interface of colons", `{"telemetry": {"interfaces": ["${":".repeat(500_000)}"]}}`],
    ["an interface of digits", `{"telemetry": {"interfaces": ["${"1".repeat(500_000)}/8"]}}`],
    ["comments", `{${"/* */ // x\n".repeat(100_000)}}`],
    ["an unended comment", `/*${"*".repeat(1_000_000)}`],
  ])("ends on %s", async (_, text) => {
    expect(typeof (await loadText(text)).ok).toBe("boolean");
  });

  it("cannot reach prototypes by its keys", async () => {
    for (const key of ["__proto__", "constructor", "toString"]) {
      expect(await refused(`{"${key}": {"port": 1}}`)).toContain(`${key}: unknown key`);
      expect(await refused(`{services: [], signals: {${key}: "stop"}}`)).toContain(`signals.${key}`);
    }
    const names = await accepted(jobs(3, (n) => `{name: "${["__proto__", "constructor", "toString"][n]}", exec: "x"}`));
    expect(names.plan.jobs.map(({ id }) => id)).toEqual(["__proto__", "constructor", "toString"]);
    expect(Object.keys(names.deeds.commands)).toEqual(["__proto__", "constructor", "toString"]);
  });
});

/** Loads, prints everything, and holds what must hold whatever was given. */
async function check(text: string): Promise<void> {
  const attempt = await attemptLoad(request(text));
  const errors = attempt.problems.filter(({ level }) => level === "error");
  expect(attempt.loaded === undefined).toBe(errors.length > 0);
  for (const line of printLines(attempt, { excerpt: true })) {
    expect(line).not.toMatch(/undefined|\[object|NaN:|\n/);
  }
  const ids = attempt.loaded?.plan.jobs.map(({ id }) => id) ?? [];
  expect(new Set(ids).size).toBe(ids.length);
  if (attempt.loaded !== undefined) canBeDone(attempt.loaded);
}

/** The runtime has a deed for everything that the core can ask for under this Plan. */
function canBeDone({ plan, deeds }: Loaded): void {
  for (const { id, exec, start, probes } of plan.jobs) {
    expect(!exec || id in deeds.commands, id).toBe(true);
    expect(start.every === undefined || "period" in start.every, id).toBe(true);
    for (const probe of probes) {
      expect(probe.how).not.toBe("builtin");
      expect(probe.how !== "exec" || probe.id in deeds.commands, probe.id).toBe(true);
      expect(probe.service === undefined || probe.service.id in deeds.services, probe.id).toBe(true);
    }
  }
  for (const { id } of plan.watches) expect(id in deeds.watches, id).toBe(true);
}

const RUNS = Number(process.env.FUZZ_RUNS ?? 300);

describe("random", () => {
  it.each([
    ["v2", V2],
    ["v3", V3],
  ])("configurations of %s are accepted or refused, and printed", async (_, arbitrary) => {
    await fc.assert(
      fc.asyncProperty(arbitrary, (value) => check(JSON.stringify(value) ?? "")),
      { numRuns: RUNS },
    );
  });

  it("text too, templates included", async () => {
    const piece = fc.constantFrom(
      "{{",
      "}}",
      ".A",
      "if",
      "end",
      "|",
      '"',
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      " ",
      "jobs",
      "\n",
      "1",
      "range",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), (pieces) => check(`{${pieces.join("")}`)),
      { numRuns: RUNS },
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), (text) => check(`{${text}`)),
      { numRuns: RUNS },
    );
  });
});
