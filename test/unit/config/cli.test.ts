/** The cases of `test/cli`: what a user sees, to the letter. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { load } from "../../../src/config/load.ts";
import { request } from "./world.ts";

const CASES = join(import.meta.dirname, "../../cli");
const NAME = "/etc/cp.json";
const folder = mkdtempSync(join(tmpdir(), "cp-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Case {
  given: string;
  settings: { name: string; value: string }[];
  text: string;
  wanted: string;
}

function parseCase(content: string): Case {
  const [given = "", wanted = ""] = content.split(/^---\n/m);
  const blank = given.indexOf("\n\n");
  const settings = given
    .slice(0, blank)
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .map((line) => /^(\w+): ?(.*)$/.exec(line) ?? [])
    .map(([, name = "", value = ""]) => ({ name, value }));
  return { given, settings, text: given.slice(blank + 2), wanted };
}

async function run({ settings, text }: Case): Promise<string> {
  const all = (name: string): string[] => settings.filter((one) => one.name === name).map(({ value }) => value);
  const file = join(folder, "cp.json");
  writeFileSync(file, text.replace(/\n$/, ""));
  const kind = all("config")[0] ?? "file";
  const config = kind === "inline" ? text : kind === "none" ? "" : `${kind === "path" ? "" : "file://"}${file}`;
  const env = Object.fromEntries(all("env").map((pair) => pair.split(/=(.*)/s, 2)));
  const words = all("words").flatMap((line) => line.split(" ").filter(Boolean));
  const result = await load(request(config, { env, words }));
  const lines = result.ok ? await result.loaded.warnings() : result.problems;
  const head = result.ok ? `accepted ${result.loaded.dialect}` : `refused ${result.exitCode}`;
  return `${[head, ...lines].join("\n").replaceAll(file, NAME)}\n`;
}

const names = readdirSync(CASES).filter((name) => name.endsWith(".txt"));

describe("cases", () => {
  it("are there", () => expect(names.length).toBeGreaterThanOrEqual(60));

  it.each(names)("%s", async (name) => {
    const path = join(CASES, name);
    const one = parseCase(readFileSync(path, "utf8"));
    const said = await run(one);
    if (process.env.UPDATE) writeFileSync(path, `${one.given}---\n${said}`);
    else expect(said).toBe(one.wanted);
    for (const line of said.split("\n")) if (/^ +\d* \| /.test(line)) expect(line.length).toBeLessThanOrEqual(80);
  });
});
