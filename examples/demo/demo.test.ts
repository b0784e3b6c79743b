import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers } from "../../test/e2e/harness.ts";

describeContainers("the demo", () => {
  it("ends by itself with 0, having seen all that it shows", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "play.mjs")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let transcript = "";
    child.stdout.on("data", (part: Buffer) => (transcript += part.toString()));
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect({ code, transcript }).toMatchObject({
      code: 0,
      transcript: expect.stringMatching(/all of it was as it should be\n$/),
    });
    for (const seen of [
      /the front uses web-3 \d+ ms after it was registered/,
      /web-1 {2}has ended with exit code 137/,
      /web-3 {2}has ended with exit code 0/,
      /front {2}has ended with exit code 0/,
    ]) {
      expect(transcript).toMatch(seen);
    }
  }, 90_000);
});
