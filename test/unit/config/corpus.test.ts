/**
 * Real configuration files with the answers of the original programs. The files are under licences of their own and not part
 * of this repository: CONTAINERPILOT_CORPUS says where they are.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { attemptLoad } from "../../../src/config/load.ts";
import { tellAll } from "../../../src/config/print.ts";
import { INTERFACES } from "./world.ts";

const ROOT = resolve(process.env.CONTAINERPILOT_CORPUS ?? "../shared/corpus");

interface Case {
  id: string;
  env: Record<string, string>;
  render: { ok: boolean; text?: string; same_as_file?: boolean };
  load: { verdict: "accept" | "reject"; class?: string; at?: [number, number]; keys?: string[]; path?: string };
  deliberate?: { text?: string; verdict?: "accept" | "reject" };
}

interface Corpus {
  files: Record<string, { sha256: string; cases: Case[] }>;
}

/** Lines are the same in bytes and characters; the rendering's line, whatever the file's is. */
function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

if (!existsSync(`${ROOT}/expected.json`)) {
  describe("corpus", () => {
    it(`SKIPPED: no corpus in ${ROOT} (CONTAINERPILOT_CORPUS)`, (context) => {
      context.skip();
    });
  });
} else {
  const corpus = JSON.parse(readFileSync(`${ROOT}/expected.json`, "utf8")) as Corpus;
  const all = Object.entries(corpus.files);

  it("has all its files", () => {
    expect(all.length).toBe(145);
    expect(all.flatMap(([, { cases }]) => cases).length).toBe(239);
  });

  describe.each(all)("%s", (name, { sha256, cases }) => {
    const bytes = readFileSync(`${ROOT}/${name}`);
    it("is untouched", () => {
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
    });

    it.each(cases.map((one) => [one.id, one] as const))("%s", async (_, { env, render, load, deliberate }) => {
      const v2 = name.startsWith("v2/");
      const attempt = await attemptLoad({
        config: `${v2 ? "file://" : ""}${ROOT}/${name}`,
        words: v2 ? ["/bin/app"] : [],
        env: { PATH: "/usr/bin:/bin", HOME: "/root", ...env },
        hostname: "HOST",
        pid: 1,
        interfaces: INTERFACES,
      });
      if (render.ok) {
        const right = [render.text ?? bytes.toString("utf8"), deliberate?.text];
        expect(right).toContain(attempt.rendered);
      }
      const verdict = attempt.loaded ? "accept" : "reject";
      const told = tellAll(attempt);
      const errors = told.filter(({ level }) => level === "error");
      expect([load.verdict, deliberate?.verdict], JSON.stringify(errors)).toContain(verdict);
      if (verdict === "accept") return;

      expect(errors.length).toBeGreaterThan(0);
      for (const error of errors) expect(error.line, error.found).toBeGreaterThan(0);
      if (load.class === "syntax" && load.at) {
        const offset = attempt.problems.find(({ code }) => code === "syntax")?.offset ?? -1;
        const before = attempt.rendered.slice(0, offset);
        expect([
          lineOf(attempt.rendered, offset),
          Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1)) + 1,
        ]).toEqual(load.at);
      }
      const unknown = errors.filter(({ code }) => code === "unknown-key").map(({ path }) => path.split(".").at(-1));
      if (load.keys) expect(new Set(unknown)).toEqual(new Set(load.keys));
      if (load.path) expect(errors.map(({ path }) => path)).toContain(`services${load.path}`);
    });
  });
}
