/** ContainerPilot 3's services and watches with a real Consul, one agent for all of them. */
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { type Container, consulAgent, describeContainers, type Server, server } from "../harness.ts";
import { passing, sh, soon, times } from "../v2/stage.ts";
import { bare, reload, start, steady } from "./stage.ts";

const { signals } = bare;
const health = { exec: "true", interval: 1, ttl: 5 };
const here = { consul: "127.0.0.1:8500", signals };

interface Check {
  Status: string;
  ServiceID: string;
}

describeContainers("with Consul", () => {
  let consul: Server;
  beforeAll(async () => {
    consul = await consulAgent();
  });

  const launch = (config: object, more: object = {}): Promise<Container> =>
    start({ ...here, ...config }, { net: consul.net, hostname: "box", ...more });
  const statusOf = async (id: string): Promise<string | undefined> =>
    (await consul.json<Record<string, Check>>("/v1/agent/checks"))[`service:${id}`]?.Status;
  const register = (id: string, name: string, more: object = {}): Promise<unknown> =>
    consul.json("/v1/agent/service/register", { ID: id, Name: name, Port: 1, Address: "10.0.0.1", ...more });
  const deregister = (id: string): Promise<unknown> => consul.json(`/v1/agent/service/deregister/${id}`, {});

  it("a job is registered with its initial status, passes with its first good check, and is gone after the stop", async () => {
    const box = await launch({
      jobs: [
        {
          name: "app",
          exec: steady,
          port: 8000,
          interfaces: "static:10.1.2.3",
          tags: ["a", "b"],
          initial_status: "warning",
          when: { source: "SIGUSR2" },
          consul: { enableTagOverride: true, deregisterCriticalServiceAfter: "10m" },
          health,
        },
      ],
    });
    await soon(async () => expect(await statusOf("app-box")).toBe("warning"));
    expect(times(box, / up\n/g)).toBe(0);
    box.signal("SIGUSR2");
    await soon(async () => expect(await statusOf("app-box")).toBe("passing"));
    const [row] = await passing(consul, "app");
    expect(row?.Service).toMatchObject({ ID: "app-box", Address: "10.1.2.3", Port: 8000, Tags: ["a", "b"] });
    expect(row?.Service.EnableTagOverride).toBe(true);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    expect(await statusOf("app-box")).toBeUndefined();
  });

  it("maintenance takes services out and brings them back; what the agent has forgotten comes back too", async () => {
    const event = (each: string): object => ({ when: { source: "global", each } });
    const box = await launch({
      jobs: [
        { name: "web", exec: steady, port: 8001, interfaces: "static:10.1.2.3", health },
        { name: "park", exec: "echo parked", ...event("enterMaintenance") },
        { name: "unpark", exec: "echo unparked", ...event("exitMaintenance") },
      ],
    });
    await soon(async () => expect(await passing(consul, "web")).toHaveLength(1));
    for (const round of [1, 2]) {
      box.signal("SIGUSR1");
      await soon(() => expect(times(box, / parked\n/g)).toBe(round));
      await soon(async () => expect(await statusOf("web-box")).toBeUndefined());
      box.signal("SIGUSR1");
      await soon(() => expect(times(box, / unparked\n/g)).toBe(round));
      await soon(async () => expect(await passing(consul, "web")).toHaveLength(1));
    }
    await deregister("web-box");
    await soon(async () => expect(await passing(consul, "web")).toHaveLength(1));
    expect(times(box, / up\n/g)).toBe(1);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });

  it("a failing check is an event each time, and critical in the catalog after the ttl", async () => {
    const box = await launch(
      {
        jobs: [
          {
            name: "sick",
            exec: "sleep 600",
            port: 8002,
            interfaces: "static:10.1.2.3",
            health: { exec: sh("echo no good; test -e well"), interval: 1, ttl: 2 },
          },
          { name: "seen", exec: "echo unhealthy", when: { source: "sick", each: "unhealthy" } },
          { name: "once", exec: "echo healthy", when: { source: "sick", once: "healthy" } },
        ],
      },
      { files: { well: "" } },
    );
    await box.waitFor(/ healthy\n/);
    await soon(async () => expect(await statusOf("sick-box")).toBe("passing"));
    await box.inside("rm", join(box.folder, "well"));
    await soon(() => expect(times(box, / unhealthy\n/g)).toBeGreaterThan(1));
    await soon(async () => expect(await statusOf("sick-box")).toBe("critical"));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });

  it("watches of one service with different tags are independent; no instance at the start is no event", async () => {
    const on = (source: string, each: string): object => ({
      name: `${source}-${each}`,
      exec: `echo ${source} ${each}`,
      when: { source, each },
    });
    const box = await launch({
      jobs: [
        ...["changed", "healthy", "unhealthy"].map((each) => on("watch.db", each)),
        { name: "main", exec: steady },
      ],
      watches: [
        { name: "db", interval: 1, tag: "primary" },
        { name: "db", interval: 1, tag: "replica" },
      ],
    });
    await box.waitFor(/ up\n/);
    // A watch that fights the other one would tell of a change at each look.
    await register("db-1", "db", { Tags: ["primary"] });
    await soon(() => expect(times(box, / watch\.db healthy\n/g)).toBe(1));
    await register("db-2", "db", { Tags: ["replica"] });
    await soon(() => expect(times(box, / watch\.db healthy\n/g)).toBe(2));
    await deregister("db-1");
    await soon(() => expect(times(box, / watch\.db unhealthy\n/g)).toBe(1));
    await deregister("db-2");
    await soon(() => expect(times(box, / watch\.db unhealthy\n/g)).toBe(2));
    expect(times(box, / watch\.db healthy\n/g)).toBe(2);
    await soon(() => expect(times(box, / watch\.db changed\n/g)).toBe(4));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });

  it("HUP and USR2 start jobs, the service stays; TERM runs preStop and postStop, and the service is gone", async () => {
    const said = (name: string, when: object): object => ({ name, exec: `echo '${name} fired`, when });
    const box = await launch({
      signals: {},
      logging: { format: "text" },
      jobs: [
        { name: "app", exec: steady, port: 8003, interfaces: "static:10.1.2.3", health },
        said("on-sighup", { source: "SIGHUP" }),
        said("on-sigusr2", { source: "SIGUSR2", each: "SIGUSR2" }),
        said("preStop", { source: "app", once: "stopping" }),
        said("postStop", { source: "app", once: "stopped" }),
      ],
    });
    await soon(async () => expect(await passing(consul, "app")).toHaveLength(1));
    box.signal("SIGHUP");
    await box.waitFor(/msg="'on-sighup fired"/);
    box.signal("SIGUSR2");
    await box.waitFor(/msg="'on-sigusr2 fired"/);
    expect(await passing(consul, "app")).toHaveLength(1);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.output).toMatch(/msg="'preStop fired"[\s\S]*msg="'postStop fired"/);
    for (const once of [/on-sighup fired/g, /on-sigusr2 fired/g]) expect(times(box, once)).toBe(1);
    expect(await passing(consul, "app")).toHaveLength(0);
  });

  it("a reload is a stop and a start to jobs: startup comes again, and a watch tells what is there again", async () => {
    const on = (source: string, how: "each" | "once", event: string): object => ({
      name: `${how}-${event}`,
      exec: `echo ${how} ${event}.`,
      when: { source, [how]: event },
    });
    const box = await launch({
      signals: { SIGHUP: "reload" },
      logging: { level: "DEBUG" },
      jobs: [
        { name: "main", exec: steady },
        on("global", "each", "startup"),
        on("watch.cache", "each", "changed"),
        on("watch.cache", "once", "healthy"),
        on("watch.cache", "each", "unhealthy"),
      ],
      watches: [{ name: "cache", interval: 1 }],
    });
    await box.waitFor(/ each startup\.\n/);
    await register("cache-1", "cache");
    await box.waitFor(/ each changed\.\n/);
    await box.waitFor(/ once healthy\.\n/);
    await reload(box);
    for (const line of ["each startup", "each changed", "once healthy"]) {
      await soon(() => expect(times(box, new RegExp(` ${line}\\.\\n`, "g"))).toBe(2));
    }
    expect(box.output).toMatch(/event: \{Shutdown global\}\n[\s\S]*event: \{Startup global\}\n/);
    await deregister("cache-1");
    await box.waitFor(/ each unhealthy\.\n/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });

  it("a proxy follows the application that it watches", async () => {
    const app = await launch(
      {
        jobs: [
          { name: "preStart", exec: "echo preparing" },
          {
            name: "app",
            exec: steady,
            when: { source: "preStart", once: "exitSuccess" },
            port: 8010,
            interfaces: "static:10.1.2.3",
            health,
          },
        ],
        watches: [{ name: "nginx", interval: 1 }],
      },
      { hostname: "one" },
    );
    const conf = (location: string): string =>
      `daemon off; pid nginx.pid; user root; error_log stderr; events {} http { access_log off; client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp; server { listen 8011; ${location} } }`;
    const proxy = await launch(
      {
        jobs: [
          {
            name: "nginx",
            exec: [server("nginx"), "-p", "./", "-e", "stderr", "-c", "nginx.conf"],
            port: 8011,
            interfaces: ["lo"],
            health: { exec: "test -s nginx.pid", interval: 1, ttl: 5 },
          },
          {
            name: "onChange",
            exec: sh(
              `cp next.conf nginx.conf && until [ -s nginx.pid ]; do sleep 0.05; done; kill -HUP $(cat nginx.pid) && echo rendered`,
            ),
            when: { source: "watch.app", each: "changed" },
          },
        ],
        watches: [{ name: "app", interval: 1 }],
      },
      {
        hostname: "two",
        files: { "nginx.conf": conf(""), "next.conf": conf('location /app/ { return 200 "the app"; }') },
      },
    );
    await soon(async () => {
      expect(await passing(consul, "app")).toHaveLength(1);
      expect(await passing(consul, "nginx")).toHaveLength(1);
    }, 30_000);
    await soon(async () => expect((await consul.net.http(8011, "/app/x")).body).toBe("the app"), 30_000);
    for (const box of [app, proxy]) {
      box.signal("SIGTERM");
      expect(await box.exit).toEqual({ code: 0 });
    }
    expect(await passing(consul, "nginx")).toHaveLength(0);
  });
});
