import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import {
  entryBytesMax,
  entryOf,
  fileNameOf,
  isEntryName,
  look,
  parseEntry,
  textOf,
} from "../../../src/catalog/directory-entry.ts";
import type { Service } from "../../../src/plan.ts";

const folder = mkdtempSync(join(tmpdir(), "directory-entry-"));
afterAll(() => rmSync(folder, { recursive: true }));

const service: Service = {
  id: "web-host",
  name: "web",
  address: "10.0.0.1",
  port: 80,
  tags: ["a"],
  ttl: 10_000,
  meta: { version: "1" },
};

describe("file names", () => {
  test.each([
    ["web-host", "web-host.json"],
    ["a/b", "a%2Fb.json"],
    ["..", "%2E..json"],
    [".hidden", "%2Ehidden.json"],
    ["ü", "%C3%BC.json"],
    ["\ud800", "%EF%BF%BD.json"],
  ])("%j is %s", (id, name) => {
    expect(fileNameOf(id)).toBe(name);
  });

  test("any id gives a name that is one, is never temporary, and fits", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 400 }), (id) => {
        const name = fileNameOf(id);
        expect(isEntryName(name)).toBe(true);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        expect(name).toMatch(/^[^/.\0][^/\0]*\.json$/);
      }),
    );
  });

  test("long ids that begin alike stay apart", () => {
    const [a, b] = ["a", "b"].map((end) => fileNameOf("x".repeat(300) + end));
    expect(a).not.toBe(b);
  });
});

describe("the text", () => {
  test("is read as it was written", () => {
    const entry = entryOf(service, "warning", "slow", "me");
    const { meta: _, ...rest } = entry;
    expect(parseEntry(textOf(entry))).toEqual(rest);
    expect(textOf(entry)).toContain('"version": "1"');
  });

  test("holds no output while it passes, and not much otherwise", () => {
    expect(textOf(entryOf(service, "passing", "fine", "me"))).not.toContain("fine");
    expect(textOf(entryOf(service, "critical", "x".repeat(100_000), "me")).length).toBeLessThan(5_000);
  });

  test.each([
    ["", "not JSON"],
    ["{", "not JSON"],
    ["[]", "no id"],
    ["null", "not an object"],
    ["7", "not an object"],
    ['{"id":""}', "no id"],
    ['{"id":"a"}', "no name"],
    ['{"id":"a","name":"b"}', "no address"],
    ['{"id":"a","name":"b","address":"c","port":1.5}', "port is not a whole number"],
    ['{"id":"a","name":"b","address":"c","port":1,"ttlMs":0}', "ttlMs is not a duration"],
    ['{"id":"a","name":"b","address":"c","port":1,"ttlMs":"9"}', "ttlMs is not a duration"],
    ['{"id":"a","name":"b","address":"c","port":1,"ttlMs":1,"status":"up"}', "unknown status"],
  ])("%s: %s", (text, problem) => {
    expect(parseEntry(text)).toBe(problem);
  });

  test("whatever stands there, it is an entry or a problem in words", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const parsed = parseEntry(text);
        expect(typeof parsed === "string" ? parsed.length : parsed.id.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("looking at a file", () => {
  const at = (name: string): string => join(folder, name);

  test("nothing is nothing, an entry is an entry", async () => {
    expect(await look(at("gone"))).toBeUndefined();
    writeFileSync(at("good"), textOf(entryOf(service, "passing", "", "me")));
    expect(await look(at("good"))).toMatchObject({ entry: { id: "web-host" } });
  });

  test("what is no regular file is a problem and never waited for", async () => {
    mkdirSync(at("folder"));
    symlinkSync(at("good"), at("link"));
    execFileSync("mkfifo", [at("fifo")]);
    expect(await look(at("folder"))).toEqual({ problem: "not a regular file" });
    expect(await look(at("link"))).toEqual({ problem: "a symbolic link" });
    expect(await look(at("fifo"))).toEqual({ problem: "not a regular file" });
  });

  test("what is larger than an entry may be is not read", async () => {
    writeFileSync(at("large"), " ".repeat(entryBytesMax + 1));
    expect(await look(at("large"))).toEqual({ problem: `larger than ${entryBytesMax} bytes` });
    writeFileSync(at("large"), " ".repeat(entryBytesMax));
    expect(await look(at("large"))).toEqual({ problem: "not JSON" });
    chmodSync(at("large"), 0o600);
  });
});
