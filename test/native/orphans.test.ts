import { expect, it } from "vitest";
import { describeContainers, fixture } from "../e2e/harness.ts";
import { drive, saidOf } from "./image.ts";

const orphans = 10_000;
const batch = 50;

describeContainers("orphans", () => {
  it("none of 10 000 is left while JavaScript is blocked, zombies stay few", async () => {
    const storm = [fixture("storms-orphans"), String(orphans), String(batch)];
    const box = await drive("launcher", ["blocked", "2000", ...storm], { timeoutMs: 110_000 });
    const [, peak, left] = await box.waitFor(/^peak (\d+) left (\d+)$/m, "stdout");
    expect(left).toBe("0");
    // One batch, and what the reaper is behind by on a busy machine; all of them without a reaper.
    expect(Number(peak)).toBeLessThanOrEqual(10 * batch);
    expect(await box.exit).toEqual({ code: 0 });
    expect(saidOf(box, "exited")).toMatchObject([{ run: 1, code: 0 }]);
  }, 120_000);
});
