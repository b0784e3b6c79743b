/** What test/e2e/v2/reload.test.ts shows with a few signals, with as many as ContainerPilot 2's own test sent. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { consulAgent, describeContainers, run } from "../e2e/harness.ts";
import { app, holdings, passing, reload, soon, times } from "../e2e/v2/stage.ts";

const count = 300;
const config = {
  consul: "127.0.0.1:8500",
  services: [{ name: "app", port: 8000, poll: 1, ttl: 5, interfaces: "lo", health: "true" }],
  backends: [{ name: "app", poll: 1, onChange: "true" }],
  tasks: [{ command: "echo task", frequency: "500ms" }],
  coprocesses: [{ name: "agent", command: ["sleep", "1000"] }],
  telemetry: { port: 9090, interfaces: ["lo"] },
};

describeContainers("a storm of signals", () => {
  it.each([["SIGHUP"], ["SIGUSR1"]])(
    `of ${count} %s leaves one healthy instance, one of each poller, no more descriptors`,
    async (signal) => {
      const consul = await consulAgent();
      const box = await run({ config, hostname: "box", net: consul.net, words: app, timeoutMs: 120_000 });
      await soon(async () => expect(await passing(consul, "app")).toHaveLength(1));
      await reload(box);
      await box.waitFor(/ task\n/);
      const before = await holdings(box);
      for (let sent = 0; sent < count; sent += 1) {
        box.signal(signal);
        await sleep(Math.random() * 30);
      }
      await sleep(3000);
      // Two signals of one kind that wait at the same time are one: signal(7).
      if ((await passing(consul, "app")).length === 0) box.signal("SIGUSR1");
      await soon(async () => expect(await passing(consul, "app")).toHaveLength(1), 30_000);
      await soon(async () => expect(await passing(consul, "containerpilot")).toHaveLength(1), 30_000);
      const tasks = times(box, / task$/gm);
      await sleep(3000);
      expect(times(box, / task$/gm) - tasks).toBeLessThanOrEqual(8);
      await soon(async () => {
        const after = await holdings(box);
        expect(after.processes.filter((name) => name === "sleep")).toHaveLength(1);
        expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 2);
      }, 30_000);
      box.signal("SIGTERM");
      expect(await box.exit).toEqual({ code: 3 });
    },
  );

  it.each([["SIGHUP"], ["SIGUSR1"]])(
    `TERM in the middle of ${count} %s is bounded, 10 times out of 10`,
    async (signal) => {
      for (let round = 0; round < 10; round += 1) {
        const box = await run({
          config: { ...config, consul: undefined, directory: "catalog" },
          words: app,
          net: "own",
        });
        await box.waitFor(/ready/);
        const at = Math.floor((count / 10) * (round + 1));
        let asked = 0;
        for (let sent = 0; sent < count && box.ended === undefined; sent += 1) {
          try {
            box.signal(sent === at - 1 ? "SIGTERM" : signal);
          } catch {
            break;
          }
          if (sent === at - 1) asked = Date.now();
          await sleep(Math.random() * 5);
        }
        expect(await box.exit).toEqual({ code: 3 });
        expect(Date.now() - asked).toBeLessThan(10_000);
      }
    },
  );
});
