import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rewrite } from "./transcript.ts";

const folder = join(import.meta.dirname, "../../transcripts");
const files = readdirSync(folder).filter((file) => file.endsWith(".txt"));

/** `UPDATE=1` writes the outputs anew; read the difference before you commit it. */
const update = process.env.UPDATE === "1";

describe("transcripts", () => {
  it("are all there", () => expect(files.length).toBeGreaterThanOrEqual(40));

  it.each(files)("%s", (file) => {
    const path = join(folder, file);
    const text = readFileSync(path, "utf8");
    const now = rewrite(text);
    if (update) writeFileSync(path, now);
    else expect(now).toBe(text);
  });
});
