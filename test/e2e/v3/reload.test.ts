/** Reloads of ContainerPilot 3's configurations. */
import { expect, it } from "vitest";
import { describeContainers, writeFiles } from "../harness.ts";
import { sh, soon, times } from "../v2/stage.ts";
import { bare, FILE, reload, start } from "./stage.ts";

/** Says so when another one of the same job still runs, and does not hear TERM. */
const alone = (word: string): string[] =>
  sh(
    `trap '' TERM; for pid in $(cat pids 2>/dev/null); do kill -0 $pid 2>/dev/null && echo OVERLAP; done; echo $$ >> pids; echo ${word}; while :; do sleep 0.1; done`,
  );

describeContainers("a reload", () => {
  it("ends every process before its replacement starts, with budgets renewed; a refused one changes nothing", async () => {
    const config = (word: string): object => ({
      ...bare,
      stopTimeout: 1,
      jobs: [
        { name: "deaf", exec: alone(word) },
        { name: "co", exec: sh(`echo co ${word}; exec sleep 601`), restarts: 1 },
        { name: "stopping", exec: "echo on stopping", when: { once: "stopping", source: "co" } },
      ],
    });
    const box = await start(config("one"));
    const kill = () => soon(async () => expect((await box.inside("pkill", "-KILL", "-f", "^sleep 601")).code).toBe(0));
    await box.waitFor(/deaf \d+ one\n/);
    await kill();
    await soon(() => expect(times(box, /co one\n/g)).toBe(2));
    await reload(box, config("two"));
    await box.waitFor(/deaf \d+ two\n/);
    await box.waitFor(/co two\n/);
    await kill();
    await soon(() => expect(times(box, /co two\n/g)).toBe(2));
    expect(times(box, / on stopping\n/g)).toBe(1);

    const said = box.output.length;
    await reload(box, "{ jobs: [{ nam: 1 }] }");
    expect(box.output.slice(said)).toMatch(/nam[\s\S]*stays in force/);
    expect((await box.processes()).filter(({ name }) => name === "sleep").length).toBeGreaterThan(0);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.output).not.toContain("OVERLAP");
  });

  it("works after two hundred in a row", async () => {
    const config = (word: string): object => ({
      ...bare,
      jobs: ["a", "b", "c", "d", "e"].map((name) => ({ name, exec: sh(`echo ${name} ${word}; exec sleep 600`) })),
      watches: ["db", "cache"].map((name) => ({ name, interval: 1 })),
    });
    const box = await start(config("one"));
    await box.waitFor(/ e one\n/);
    for (let i = 0; i < 200; i++) box.signal("SIGHUP");
    writeFiles(box.folder, { [FILE]: JSON.stringify(config("two")) });
    box.signal("SIGHUP");
    await soon(() => {
      for (const name of "abcde") expect(times(box, new RegExp(` ${name} two\n`, "g"))).toBeGreaterThan(0);
    }, 30_000);
    await soon(async () => {
      expect((await box.processes()).map(({ name }) => name).filter((name) => name === "sleep")).toHaveLength(5);
    });
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });

  it("says how it went when nothing has changed, and leaves what is unchanged alone where told to", async () => {
    const config = { ...bare, reload: "changed", jobs: [{ name: "app", exec: sh("echo up; exec sleep 600") }] };
    const box = await start(config);
    await box.waitFor(/ up\n/);
    await reload(box);
    expect(box.output).toMatch(/Configuration reloaded: 1 kept, 0 restarted, 0 added, 0 gone\./);
    expect(times(box, / up\n/g)).toBe(1);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });
});
