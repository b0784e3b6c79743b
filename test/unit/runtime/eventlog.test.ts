import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ENTRIES_MAX, EventLog, FILE_BYTES_MAX } from "../../../src/runtime/eventlog.ts";

let root: string;
let troubles: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "events-"));
  troubles = [];
});
afterEach(() => rmSync(root, { recursive: true }));
const open = (path: string | undefined) => new EventLog(path, (message) => troubles.push(message));

describe("event log", () => {
  it("keeps a bounded number in memory and counts what is gone", () => {
    const log = open(undefined);
    for (let id = 1; id <= 2 * ENTRIES_MAX; id += 1) log.input(id, { id, t: "wake" });
    const { entries, dropped } = log.entries();
    expect(entries.length).toBe(ENTRIES_MAX);
    expect(dropped).toBe(ENTRIES_MAX);
    expect(entries.at(-1)).toMatchObject({ in: { id: 2 * ENTRIES_MAX } });
  });

  it("writes one JSON line an entry, readable by the owner alone", () => {
    const file = join(root, "events");
    const log = open(file);
    log.input(5, { id: 1, t: "wake" });
    log.effect(5, { cause: 1, t: "reopen" });
    log.flush();
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { at: 5, in: { id: 1, t: "wake" } },
      { at: 5, out: { cause: 1, t: "reopen" } },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("begins a new file when the old one is full, keeping one", () => {
    const file = join(root, "events");
    writeFileSync(file, Buffer.alloc(FILE_BYTES_MAX));
    const log = open(file);
    log.input(1, { id: 1, t: "wake" });
    log.flush();
    expect(statSync(`${file}.1`).size).toBe(FILE_BYTES_MAX);
    expect(readFileSync(file, "utf8")).toContain('"wake"');
  });

  it("tells once and goes on when the file cannot be written", () => {
    const log = open("/proc/no/such/file");
    log.input(1, { id: 1, t: "wake" });
    log.flush();
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toContain("/proc/no/such/file");
    const full = open("/dev/full");
    full.input(1, { id: 1, t: "wake" });
    full.flush();
    full.input(2, { id: 2, t: "wake" });
    full.flush();
    expect(troubles).toHaveLength(2);
    expect(troubles[1]).toContain("ENOSPC");
  });
});
