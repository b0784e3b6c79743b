import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cleanUp } from "./cleanup.ts";

/** By path; a text that begins with `#!` is made executable. */
export type Files = Readonly<Record<string, string>>;

export function writeFiles(folder: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, text.startsWith("#!") ? 0o755 : 0o644);
  }
}

/** A folder of the test's own that any user may enter and write to, taken away when the test ends. */
export function tempFolder(files: Files = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "containerpilot-"));
  chmodSync(folder, 0o777);
  cleanUp(() => rmSync(folder, { recursive: true, force: true }));
  writeFiles(folder, files);
  return folder;
}
