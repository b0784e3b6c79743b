import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (name: string) => readFileSync(join(root, name), "utf8");
const manifest = JSON.parse(read("package.json")) as {
  version: string;
  license: string;
  dependencies?: object;
  devDependencies: Record<string, string>;
  gypfile?: boolean;
  scripts: Record<string, string>;
};

describe("the package", () => {
  it("has its version's heading in the changelog, next to Unreleased on top", () => {
    const headings = [...read("CHANGELOG.md").matchAll(/^## (\S+)/gm)].map(([, heading]) => heading);
    expect(headings.slice(0, 2)).toEqual(["Unreleased", manifest.version]);
  });

  it("is under the licence that it names", () => {
    expect(manifest.license).toBe("MPL-2.0");
    expect(read("LICENSE")).toMatch(/^Mozilla Public License Version 2\.0\n/);
  });

  it("runs nothing when it is installed, which npm would do because of binding.gyp", () => {
    expect(manifest.gypfile).toBe(false);
    expect(Object.keys(manifest.scripts).filter((name) => /install|prepare/.test(name))).toEqual([]);
  });

  it("installs nothing else, and is built from exact versions", () => {
    expect(manifest.dependencies ?? {}).toEqual({});
    for (const [name, version] of Object.entries(manifest.devDependencies)) {
      expect(`${name} ${version}`).toMatch(/ \d+\.\d+\.\d+$/);
    }
  });
});
