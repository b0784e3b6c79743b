import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../e2e/harness.ts";

/** The runtimes beside the machine's own that are supported, as npm carries them. */
export const otherMajors = ["22", "24", "26"] as const;

/** Node of this major, unpacked once into build/. */
export function nodeOf(major: string): string {
  const folder = join(root, "build/node", major);
  const node = join(folder, "package/bin/node");
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const name = `node-linux-${process.arch}@${major}`;
  const packed = execFileSync("npm", ["pack", "--silent", name], { cwd: folder, encoding: "utf8" }).trim();
  execFileSync("tar", ["-xzf", packed, "package/bin/node"], { cwd: folder });
  return node;
}
