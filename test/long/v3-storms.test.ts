/** Storms for ContainerPilot 3's jobs. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { ask } from "../e2e/control/stage.ts";
import { describeContainers, writeFiles } from "../e2e/harness.ts";
import { soon, times } from "../e2e/v2/stage.ts";
import { bare, FILE, start, steady } from "../e2e/v3/stage.ts";

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

describeContainers("a thousand jobs on the stop of one", () => {
  it("all run before it is asked to end, and the container is gone with them", async () => {
    const count = 1000;
    const hooks = Array.from({ length: count }, (_, n) => ({
      name: `hook${n}`,
      exec: ["echo", `ran ${n}`],
      when: { source: "app", once: "stopping" },
    }));
    const box = await start({ ...bare, jobs: [{ name: "app", exec: steady }, ...hooks] }, { timeoutMs: 170_000 });
    await box.waitFor(/ up\n/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    expect(new Set(box.output.match(/ ran \d+\n/g)).size).toBe(count);
  }, 180_000);
});

describeContainers("reloads through the socket", () => {
  it("two hundred back to back, then one that works", async () => {
    const config = (word: string): object => ({
      consul: "127.0.0.1:1",
      control: { socket: "c.sock" },
      jobs: ["a", "b", "c", "d", "e"].map((name) => ({
        name,
        exec: ["sh", "-c", `echo ${name} ${word}; exec sleep 600`],
      })),
      watches: [
        { name: "db", interval: 1 },
        { name: "cache", interval: 1 },
      ],
    });
    const box = await start(config("one"), { timeoutMs: 170_000 });
    await box.waitFor(/ e one\n/);
    await box.waitFor(/control: serving at/);
    const socket = join(box.folder, "c.sock");
    for (let at = 0; at < 200; at++) expect((await ask(socket, { path: "/v3/reload" })).code).toBe(200);
    writeFiles(box.folder, { [FILE]: JSON.stringify(config("two")) });
    expect((await ask(socket, { path: "/v3/reload" })).code).toBe(200);
    await soon(() => expect(times(box, / [a-e] two\n/g)).toBe(5), 30_000);
    await soon(async () => {
      expect((await box.processes()).map(({ name }) => name).filter((name) => name === "sleep")).toHaveLength(5);
    });
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  }, 180_000);
});
