/** What a container costs that nobody asks anything. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers, root, tempFolder } from "../harness.ts";
import { soon } from "../v2/stage.ts";
import { ask, controlled, v3 } from "./stage.ts";

/** Writes, whenever it is asked to by a file, which of Node's modules are loaded. */
const preload = (folder: string): string => `
const { existsSync, renameSync, writeFileSync } = require("node:fs");
setInterval(() => {
  if (!existsSync(${JSON.stringify(join(folder, "asked"))})) return;
  writeFileSync(${JSON.stringify(join(folder, "new"))}, JSON.stringify(process.moduleLoadList));
  renameSync(${JSON.stringify(join(folder, "new"))}, ${JSON.stringify(join(folder, "loaded"))});
}, 20);
`;

describeContainers("the control socket", () => {
  it("has Node's net and http loaded by whoever connects first, not before", async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, "socket"));
    writeFileSync(join(folder, "preload.cjs"), preload(folder));
    const box = await controlled(
      v3({ control: { socket: join(folder, "socket/c.sock") }, directory: "catalog", consul: undefined }),
      {
        binds: [`${folder}:${folder}`],
        entrypoint: [process.execPath, "--require", join(folder, "preload.cjs"), join(root, "dist/containerpilot.cjs")],
      },
    );
    await box.waitFor(/main is up/);
    const loaded = async (name: string): Promise<boolean> => {
      writeFileSync(join(folder, "asked"), "");
      await soon(() => expect(existsSync(join(folder, "loaded"))).toBe(true));
      return (JSON.parse(readFileSync(join(folder, "loaded"), "utf8")) as string[]).includes(`NativeModule ${name}`);
    };
    await box.waitFor(/event: \{Startup global\}/);
    expect(await loaded("net")).toBe(false);
    expect(await ask(join(folder, "socket/c.sock"), { method: "GET", path: "/v3/ping" })).toMatchObject({ code: 200 });
    await soon(async () => expect(await loaded("net")).toBe(true));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });
});
