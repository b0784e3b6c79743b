/** Storms for ContainerPilot 3's jobs. */
import { expect, it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { soon } from "../e2e/v2/stage.ts";
import { bare, start, steady } from "../e2e/v3/stage.ts";

describeContainers("a thousand jobs on one event", () => {
  it("all run: those for which there is no room wait for it", async () => {
    const count = 1000;
    const more = Array.from({ length: count }, (_, n) => ({
      name: `job${n}`,
      exec: ["echo", `ran ${n}`],
      when: { source: "SIGUSR2" },
    }));
    const box = await start({ ...bare, jobs: [{ name: "app", exec: steady }, ...more] });
    await box.waitFor(/ up\n/);
    box.signal("SIGUSR2");
    await soon(() => expect(new Set(box.output.match(/ ran \d+\n/g)).size).toBe(count), 45_000);
    expect(box.output).not.toMatch(/could not be started/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  }, 90_000);
});
