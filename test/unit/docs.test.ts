import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { walkArgv } from "../../src/bin/flags.ts";
import type { Address } from "../../src/config/interfaces.ts";
import { load } from "../../src/config/load.ts";

const root = join(import.meta.dirname, "../..");
const pages = [
  "README.md",
  ...readdirSync(join(root, "docs")).flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
];

interface Block {
  name: string;
  text: string;
}

/** Fenced blocks of a language, each named by its page and line. */
function blocks(language: string): Block[] {
  return pages.flatMap((page) => {
    const text = readFileSync(join(root, page), "utf8");
    const found = text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"));
    return [...found].map((match) => ({
      name: `${page}:${text.slice(0, match.index).split("\n").length}`,
      text: match[1] ?? "",
    }));
  });
}

/** A container with an interface each that the pages name. */
const interfaces: Address[] = ["eth0", "eth1"].map((name, index) => ({ name, address: `10.0.${index}.2` }));

describe("every configuration in the documentation", () => {
  it.each(blocks("json"))("$name loads, with nothing to say about it", async ({ text }) => {
    const result = await load({ config: text, words: ["app"], env: {}, hostname: "host", pid: 1, interfaces });
    expect(result).toMatchObject({ ok: true });
    if (result.ok) expect(await result.loaded.warnings()).toEqual([]);
  });

  it.each(blocks("json5"))("$name loads as one of jobs, with nothing to say about it", async ({ text }) => {
    const result = await load({ config: text, words: [], env: {}, hostname: "host", pid: 1, interfaces });
    expect(result).toMatchObject({ ok: true, loaded: { dialect: "v3" } });
    if (result.ok) expect(await result.loaded.warnings()).toEqual([]);
  });

  it("is found: there are some on the pages that live by them", () => {
    const pagesOf = (language: string) => blocks(language).map(({ name }) => name.split(":")[0]);
    for (const page of ["README.md", "docs/configuration.md", "docs/catalogs.md"])
      expect(pagesOf("json")).toContain(page);
    for (const page of ["docs/configuration.md", "docs/lifecycle.md"]) expect(pagesOf("json5")).toContain(page);
  });
});

describe("every command line in the documentation", () => {
  const lines = blocks("sh").flatMap(({ name, text }) =>
    text
      .split("\n")
      .filter((line) => /(^| )containerpilot -/.test(line))
      .map((line) => ({ name, words: line.slice(line.indexOf("containerpilot ")).split(" ").slice(1) })),
  );

  it.each(lines)("$name: $words", ({ words }) => {
    expect(walkArgv(words)).not.toHaveProperty("code");
  });
});
