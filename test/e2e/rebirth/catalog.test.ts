/** What a runtime that takes the place of a dead one makes of services, watches, jobs and the configuration. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { type Container, consulAgent, describeContainers, type Server, writeFiles } from "../harness.ts";
import { passing, sh, soon, times } from "../v2/stage.ts";
import { die, letDie, mortal } from "./stage.ts";

const here = { consul: "127.0.0.1:8500", signals: { SIGHUP: "reload", SIGUSR1: "maintenance" } };
const main = { name: "app", exec: sh("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done") };
const advertised = { port: 8000, interfaces: "static:10.1.2.3", health: { exec: "true", interval: 1, ttl: 5 } };

describeContainers("with Consul, a runtime that takes the place of a dead one", () => {
  let consul: Server;
  beforeAll(async () => {
    consul = await consulAgent();
  });

  const launch = async (config: object, more: object = {}): Promise<Container> => {
    const box = await mortal({ config: JSON.stringify({ ...here, ...config }), net: consul.net, ...more });
    await box.waitFor(/\bup\b/);
    return box;
  };
  const register = (name: string): Promise<unknown> =>
    consul.json("/v1/agent/service/register", { ID: name, Name: name.split("-")[0], Port: 1, Address: "10.0.0.1" });
  const end = async (box: Container): Promise<void> => {
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  };

  it("knows what its watches have seen: only what changed meanwhile is news, and jobs that are done stay done", async () => {
    await register("upstream-1");
    const box = await launch({
      jobs: [
        main,
        { name: "once", exec: "echo once ran" },
        { name: "each", exec: "echo upstream changed", when: { source: "watch.upstream", each: "changed" } },
        { name: "first", exec: "echo upstream there", when: { source: "watch.upstream", once: "healthy" } },
      ],
      watches: [{ name: "upstream", interval: 1 }],
    });
    const said = (): number[] =>
      [/once ran\n/g, /upstream changed\n/g, /upstream there\n/g].map((each) => times(box, each));
    await soon(() => expect(said()).toEqual([1, 1, 1]));
    await die(box, "abort");
    await box.inside("sh", "-c", "sleep 2.5");
    expect(said()).toEqual([1, 1, 1]);
    letDie(box, "null");
    await register("upstream-2");
    await soon(() => expect(said()).toEqual([1, 2, 1]));
    await end(box);
  });

  it("keeps a service passing, whatever its file says by now; a reload that was under way is made", async () => {
    const config = { ...here, jobs: [{ ...main, name: "kept", ...advertised }] };
    const box = await launch(config);
    await soon(async () => expect(await passing(consul, "kept")).toHaveLength(1));
    writeFiles(box.folder, { "config.json": "{ no configuration" });
    await die(box, "throw");
    await soon(async () => expect(await passing(consul, "kept")).toHaveLength(1));
    expect(times(box, /\bup\n/g)).toBe(1);
    const added = { name: "added", exec: "echo added ran" };
    writeFiles(box.folder, { "config.json": JSON.stringify({ ...config, jobs: [...config.jobs, added] }) });
    // The reload waits in a runtime that hears nothing any more.
    const dying = die(box, "hang");
    await soon(() => expect(() => readFileSync(join(box.folder, "die"))).toThrow());
    box.signal("SIGHUP");
    expect(await dying).toBe("hang");
    await box.waitFor(/added ran/);
    await end(box);
    expect(await passing(consul, "kept")).toEqual([]);
  });

  it("stays in maintenance, and comes out of it into the catalog", async () => {
    const box = await launch({ jobs: [{ ...main, name: "pausing", ...advertised }] });
    await soon(async () => expect(await passing(consul, "pausing")).toHaveLength(1));
    box.signal("SIGUSR1");
    await soon(async () => expect(await passing(consul, "pausing")).toHaveLength(0));
    await die(box, "abort");
    await box.inside("sh", "-c", "sleep 1.5");
    expect(await passing(consul, "pausing")).toHaveLength(0);
    box.signal("SIGUSR1");
    await soon(async () => expect(await passing(consul, "pausing")).toHaveLength(1));
    await end(box);
  });

  it("goes on with a start, with intervals and with a restart budget, and tells the event log why it is there", async () => {
    const events = "events.log";
    const box = await launch(
      {
        jobs: [
          main,
          { name: "fails", exec: sh("echo failing; sleep 0.5; exit 1"), restarts: 2 },
          { name: "tick", exec: "echo tick", when: { interval: "300ms" } },
          { name: "prepare", exec: sh("echo preparing; until [ -e go ]; do sleep 0.05; done"), timeout: "60s" },
          { name: "after", exec: "echo prepared", when: { source: "prepare", once: "exitSuccess" } },
        ],
      },
      { env: { CONTAINERPILOT_EVENTS: events } },
    );
    await soon(() => expect(times(box, /failing\n/g)).toBe(2));
    await die(box, "abort");
    const ticks = times(box, /tick\n/g);
    await soon(() => expect(times(box, /failing\n/g)).toBe(3));
    await soon(() => expect(times(box, /tick\n/g)).toBeGreaterThan(ticks + 2));
    expect([/failing\n/g, /preparing\n/g, /prepared\n/g].map((each) => times(box, each))).toEqual([3, 1, 0]);
    await box.inside("touch", join(box.folder, "go"));
    await box.waitFor(/prepared\n/);
    const booted = readFileSync(join(box.folder, events), "utf8")
      .split("\n")
      .filter((line) => line.includes('"t":"boot"'));
    expect(booted).toHaveLength(2);
    expect(booted[1]).toMatch(/"rebirth":\{"count":1,"cause":"abort"/);
    await end(box);
  });
});
