import { describe, expect, it } from "vitest";
import { describeContainers, fixture } from "../e2e/harness.ts";
import { drive, saidOf } from "./image.ts";
import { checkStorm, loads, roles } from "./storm.ts";

const blockedOrphans = 1000;
const batch = 50;

describeContainers("orphans", () => {
  it("none is left while JavaScript is blocked, zombies stay few", async () => {
    const storm = [fixture("storms-orphans"), String(blockedOrphans), String(batch)];
    const box = await drive("launcher", ["blocked", "2000", ...storm], { timeoutMs: 110_000 });
    const [, peak, left] = await box.waitFor(/^peak (\d+) left (\d+)$/m, "stdout");
    expect(left).toBe("0");
    expect(Number(peak)).toBeLessThanOrEqual(10 * batch);
    expect(await box.exit).toEqual({ code: 0 });
    expect(saidOf(box, "exited")).toMatchObject([{ run: 1, code: 0 }]);
  }, 120_000);

  describe.each(roles)("of a storm, as %s", (role) => {
    it.each(loads)("are reaped to the last while JavaScript is %s", (load) => checkStorm(role, load, 200), 120_000);
  });
});
