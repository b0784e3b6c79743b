import { expect, it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { drive, saidOf, starts } from "./image.ts";

// A trapped signal ends `read` early.
const app = "trap 'echo interrupted' INT; echo up; while ! read line; do :; done; echo line=$line; exit 8";

describeContainers("the terminal", () => {
  it.each(starts)("%s: belongs to the application, then to the init again", async (start) => {
    const box = await drive(start, ["terminal", "/bin/sh", "-c", app], { tty: true });
    await box.waitFor(/^up\r?$/m);
    expect(saidOf(box, "boot")).toMatchObject([{ terminal: true }]);
    box.write("\x03");
    await box.waitFor(/interrupted\r?$/m);
    // Only the foreground may read.
    box.write("a\n");
    await box.waitFor(/^line=a\r?$/m);
    await box.waitFor(/"t":"exited"/);
    expect(box.output.match(/interrupted\r?$/gm)).toHaveLength(1);
    expect(saidOf(box, "signal")).toEqual([]);
    expect(saidOf(box, "exited")).toMatchObject([{ code: 8 }]);
    box.write("\x03");
    expect(await box.exit).toEqual({ code: 42 });
  });
});
