import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeContainers, fixture, type RunOptions } from "../harness.ts";
import { app, bare, sh } from "../v2/stage.ts";
import { type Compiled, compiled, start } from "./stage.ts";

/** What the launcher did, in the words of a program that stands in for Node. */
async function outcome(image: Compiled, options: RunOptions = {}): Promise<string> {
  const env = { CONTAINERPILOT_NODE: fixture("prints-instant"), ...options.env };
  const box = await start(image, { words: sh("exec sleep 1000"), ...options, env });
  expect(await box.exit).toEqual({ code: 0 });
  const [said = ""] = /^(started|not started|no table).*$/m.exec(box.stdout) ?? [];
  return said.replace(`${image.boot}: `, "");
}

const flip = (path: string, at: number) => {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
};

describeContainers("the launcher starts the application", () => {
  it("where every condition holds; a link to the boot file will do", async () => {
    const image = await compiled(bare);
    expect(await outcome(image)).toBe("started app");
    symlinkSync(image.boot, `${image.boot}.link`);
    expect(await outcome(image, { env: { CONTAINERPILOT_BOOT: `${image.boot}.link` } })).toBe("started app");
    expect(await outcome(image, { env: { CONTAINERPILOT_BOOT: "off" } })).toBe("not started: ");
    expect(await outcome(image, { words: [] })).toBe("not started: no application is named");
    expect(await outcome(image, { words: ["echo", "{{ .HOME }}"] })).toBe(
      "not started: an argument of the application is a template",
    );
    expect(await outcome(image, { words: ["no-such-program"] })).toBe("not started: no-such-program is not in PATH");
    expect(await outcome(image, { words: ["/etc/passwd"] })).toBe("not started: /etc/passwd: Permission denied");
  });

  it.each<[string, (image: Compiled) => void, string]>([
    [
      "a configuration with another byte",
      ({ config }) => flip(config, 3),
      "the configuration has changed since it was compiled",
    ],
    [
      "a longer one",
      ({ config }) => writeFileSync(config, `${readFileSync(config, "utf8")} `),
      "the configuration has changed since it was compiled",
    ],
    ["no configuration", ({ config }) => rmSync(config), "CONFIG: No such file or directory"],
    ["a damaged boot file", ({ boot }) => flip(boot, 40), "it is cut off, or damaged"],
    ["one of another version", ({ boot }) => flip(boot, 20), "it was not written by this version's cpctl compile"],
    ["one that is cut off", ({ boot }) => truncateSync(boot, 60), "it is cut off, or damaged"],
    ["an empty one", ({ boot }) => truncateSync(boot, 0), "it is cut off, or damaged"],
    ["a huge one", ({ boot }) => truncateSync(boot, 2 ** 40), "it is larger than 1 MiB"],
    ["one that others may write to", ({ boot }) => chmodSync(boot, 0o646), "others than its owner may write to it"],
    ["one of another user", ({ boot }) => chownSync(boot, 1234, 0), "it belongs neither to root nor to this user"],
    ["none", ({ boot }) => rmSync(boot), ""],
  ])("not with %s", async (_, spoil, why) => {
    const image = await compiled(bare);
    spoil(image);
    expect((await outcome(image)).replace(image.config, "CONFIG")).toBe(`not started: ${why}`);
  });

  it("not with a boot file that is a pipe, or cannot be read", async () => {
    const image = await compiled(bare);
    chmodSync(image.boot, 0o600);
    expect(await outcome(image, { user: "1000:1000" })).toBe("not started: Permission denied");
    rmSync(image.boot);
    execFileSync("mkfifo", [image.boot]);
    expect(await outcome(image)).toBe("not started: it is no regular file");
  });

  it("only while the variables that its template reads are what they were", async () => {
    const config = '{"consul": "{{ .HOST }}:8500"{{ if .MORE }}, "stopTimeout": 3{{ end }}}';
    const image = await compiled(config, { HOST: "consul", UNREAD: "1" });
    expect(await outcome(image, { env: { HOST: "consul", UNREAD: "2" } })).toBe("started app");
    expect(await outcome(image, { env: { HOST: "other" } })).toBe(
      "not started: the variable HOST has another value than when the configuration was compiled",
    );
    expect(await outcome(image, { env: { HOST: "consul", MORE: "" } })).toBe(
      "not started: the variable MORE was not set when the configuration was compiled",
    );
  });

  it("not in front of a script that starts Node, and not where an address is missing", async () => {
    const image = await compiled({
      ...bare,
      services: [{ name: "web", port: 80, poll: 1, ttl: 5, interfaces: "eth7" }],
    });
    expect(await outcome(image)).toBe("not started: no address for CONTAINERPILOT_WEB_IP");
    const script = `${image.folder}/node`;
    writeFileSync(script, `#!/bin/sh\nexec ${fixture("prints-instant")}\n`, { mode: 0o755 });
    expect(await outcome(image, { env: { CONTAINERPILOT_NODE: script } })).toBe(
      `not started: ${script} is no program but a script`,
    );
  });

  it("and the runtime tells at DEBUG why not", async () => {
    const image = await compiled({ ...bare, logging: { level: "DEBUG" } });
    writeFileSync(image.config, `${readFileSync(image.config, "utf8")}\n`);
    const box = await start(image, { words: app });
    await box.waitFor(/ready/);
    await box.waitFor(/No instant start: .*config\.json\.boot: the configuration has changed since it was compiled/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });
});
