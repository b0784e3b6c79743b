import { expect, it } from "vitest";
import { describeContainers, run } from "../harness.ts";
import { app, bare, sh, soon, web } from "./stage.ts";

/** What a process says of the variables that containerpilot sets, on one line behind its name. */
const tells = (who: string) => sh(`echo "${who}: $(env | grep ^CONTAINERPILOT_ | sort | tr '\\n' ' ')"`);
const lineOf = (output: string, who: string): string => new RegExp(`${who}: (.*)`).exec(output)?.[1] ?? "";

describeContainers("variables", () => {
  it("each child sees the pids of what was started before it, and the services' addresses", async () => {
    const box = await run({
      config: {
        ...bare,
        preStart: tells("preStart"),
        preStop: tells("preStop"),
        postStop: tells("postStop"),
        services: [
          { ...web, name: "my-db", interfaces: "static:10.1.2.3", health: tells("health") },
          { ...web, name: "odd_x.y", port: 8001, interfaces: "static:::1" },
        ],
        coprocesses: [{ name: "co-agent", command: sh("sleep 0.2; exec sleep 1000") }],
        tasks: [{ command: tells("task"), frequency: "300ms" }],
        telemetry: { port: 19_093, interfaces: ["static:127.0.0.1"] },
      },
      words: app,
    });
    await box.waitFor(/health: /);
    await box.waitFor(/task: /);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    const addresses = ["MY_DB_IP=10.1.2.3", "CONTAINERPILOT_IP=127.0.0.1"];
    for (const who of ["preStart", "health", "task", "preStop", "postStop"]) {
      const seen = lineOf(box.output, who);
      expect(seen, who).toContain("CONTAINERPILOT_PID=1 ");
      for (const one of addresses) expect(seen, who).toContain(`CONTAINERPILOT_${one} `);
    }
    expect(lineOf(box.output, "preStart")).not.toMatch(/(PRESTART|APP|CO_AGENT)_PID/);
    expect(lineOf(box.output, "preStop")).toMatch(/APP_PID=\d+/);
    expect(lineOf(box.output, "preStop")).toMatch(/CO_AGENT_PID=\d+/);
    expect(lineOf(box.output, "preStop")).toMatch(/PRESTART_PID=\d+/);
    expect(lineOf(box.output, "preStop")).not.toMatch(/PRESTOP_PID|POSTSTOP_PID/);
    expect(lineOf(box.output, "postStop")).toMatch(/PRESTOP_PID=\d+/);
    expect(lineOf(box.output, "health")).toMatch(/APP_PID=\d+/);
    expect(lineOf(box.output, "task")).toMatch(/APP_PID=\d+/);
  });

  it("names that a shell cannot read are there too, for programs that can", async () => {
    const box = await run({
      config: {
        ...bare,
        services: [{ ...web, name: "odd_x.y", interfaces: "static:::1" }],
        coprocesses: [{ name: "agent", command: ["sleep", "1000"] }],
        tasks: [{ command: "env", frequency: "300ms" }],
      },
      words: app,
    });
    await box.waitFor(/CONTAINERPILOT_ODD_X\.Y_IP=::1\n/);
    await box.waitFor(/CONTAINERPILOT_AGENT_PID=\d+\n/);
    await box.kill();
  });

  it("stdin is /dev/null for all but the application; each is the leader of a group of its own", async () => {
    const tell = (who: string) => sh(`echo "${who}: $(readlink /proc/self/fd/0) $(ps -o pgid= -p $$ | tr -d ' ')=$$"`);
    const box = await run({
      config: {
        ...bare,
        preStart: tell("preStart"),
        services: [{ ...web, health: tell("health") }],
        tasks: [{ command: tell("task"), frequency: "200ms" }],
        coprocesses: [{ command: tell("coprocess") }],
      },
      stdin: "pipe",
      words: sh("read line; echo app: $line; exit 6"),
    });
    for (const who of ["preStart", "health", "task", "coprocess"]) {
      const [, input, group, own] = await box.waitFor(new RegExp(`${who}: (\\S*) (\\d+)=(\\d+)`));
      expect(input, who).toBe("/dev/null");
      expect(group, who).toBe(own);
    }
    box.write("typed\n");
    expect(await box.exit).toEqual({ code: 6 });
    await soon(() => expect(box.stdout).toContain("app: typed\n"));
  });

  it("the terminal is the application's: it reads what is typed, and Ctrl-C goes to it alone", async () => {
    const box = await run({
      config: { ...bare, preStop: "echo preStop" },
      tty: true,
      words: sh("trap 'echo interrupted' INT; echo up; while ! read line; do :; done; echo line=$line; exit 8"),
    });
    await box.waitFor(/^up\r?$/m);
    box.write("\x03");
    await box.waitFor(/interrupted\r?$/m);
    box.write("typed\n");
    expect(await box.exit).toEqual({ code: 8 });
    expect(box.output).toMatch(/line=typed/);
    expect(box.output).not.toMatch(/preStop|Stopping/);
  });
});
