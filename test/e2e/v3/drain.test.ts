/** The step `drain` of a stop, with real connections. */
import { connect, type Socket } from "node:net";
import { expect, it } from "vitest";
import { describeContainers, network } from "../harness.ts";
import { sh } from "../v2/stage.ts";
import { bare, start } from "./stage.ts";

/** Listens on 8000, says what it hears, ends at TERM. */
const listener = [
  process.execPath,
  "-e",
  `process.on("SIGTERM", () => { console.log("got TERM"); process.exit(0); });
   require("net").createServer((socket) => {
     console.log("opened");
     socket.on("data", (text) => console.log("heard " + text)).on("end", () => socket.end()).on("error", () => {});
   }).listen(8000, "127.0.0.1", () => console.log("listening"));`,
];

const opened = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket)).once("error", reject);
  });

describeContainers("stop.drain", () => {
  it("lets a service that is out of the catalog finish its connections before TERM, and no longer than its bound", async () => {
    const net = await network();
    const config = (drain: string): object => ({
      ...bare,
      logging: { level: "DEBUG" },
      stop: { drain },
      jobs: [
        {
          name: "web",
          exec: listener,
          port: 8000,
          interfaces: "static:127.0.0.1",
          health: { exec: "true", interval: 1, ttl: 5 },
        },
        { name: "note", exec: sh("echo noted"), when: { source: "web", once: "stopped" } },
      ],
    });
    const patient = await start(config("50s"), { net });
    await patient.waitFor(/listening\n/);
    await patient.waitFor(/event: \{StatusHealthy web\}/);
    const socket = await opened(await net.reach(8000));
    await patient.waitFor(/opened\n/);
    patient.signal("SIGTERM");
    await patient.waitFor(/Deregistering service: web\n/);
    socket.write("still here");
    await patient.waitFor(/heard still here\n/);
    socket.end();
    expect(await patient.exit).toEqual({ code: 0 });
    expect(patient.output).toMatch(/heard still here\n[\s\S]*got TERM\n[\s\S]* noted\n/);

    const hurried = await start(config("600ms"), { net });
    await hurried.waitFor(/listening\n/);
    await hurried.waitFor(/event: \{StatusHealthy web\}/);
    const kept = await opened(await net.reach(8000));
    await hurried.waitFor(/opened\n/);
    hurried.signal("SIGTERM");
    expect(await hurried.exit).toEqual({ code: 0 });
    expect(hurried.output).toMatch(/got TERM\n/);
    kept.destroy();
  });
});
