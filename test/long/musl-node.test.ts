/** A real Node for musl, with musl as the only libc below its root: what runs on Alpine, but for Alpine's own files. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { cleanUp, onFailure, PATH } from "../e2e/harness.ts";
import { makeMuslRoot, muslRefused, placePackage } from "./musl-node.ts";

const refused = muslRefused();
const title = refused === undefined ? "on Node for musl" : `on Node for musl (skipped: ${refused})`;
if (refused !== undefined) process.stderr.write(`tests on Node for musl skipped: ${refused}\n`);

let folder: string;

/** Words that run others as PID 1 of a namespace below the root; dies with its parent, of KILL alone. */
const inRoot = (...words: readonly string[]) => [
  ...["--signal", "KILL", "120", "unshare", "--pid", "--fork", "--mount", "--kill-child"],
  ...["sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot "$0" /bin/env -i PATH=/usr/bin:/bin "$@"', folder],
  ...words,
];

function ran(...words: readonly string[]) {
  return spawnSync("timeout", inRoot(...words), { encoding: "utf8", env: { PATH } });
}

/** A container that goes on: its output, and its init as the machine counts. */
function started(...words: readonly string[]) {
  const child: ChildProcess = spawn("timeout", inRoot(...words), { env: { PATH }, stdio: ["ignore", "pipe", "pipe"] });
  cleanUp(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part: Buffer) => (output += part.toString()));
  onFailure(() => output);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const waitFor = (words: RegExp) => expect.poll(() => output, { timeout: 40_000 }).toMatch(words);
  // Below timeout and unshare.
  const below = (pid: number | undefined) =>
    Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
  const signal = (name: NodeJS.Signals) => process.kill(below(below(child.pid)), name);
  return { ended, waitFor, signal, output: () => output };
}

describe.skipIf(refused !== undefined)(title, () => {
  beforeAll(() => {
    folder = makeMuslRoot();
    placePackage(join(folder, "opt/package"));
    writeFileSync(
      join(folder, "etc/cp.json"),
      JSON.stringify({
        directory: "/run/catalog",
        stopTimeout: 5,
        services: [{ name: "web", port: 80, interfaces: "static:10.0.0.1", poll: 1, ttl: 5, health: "true" }],
        telemetry: { port: 9090, interfaces: ["static:127.0.0.1"] },
        preStart: ["echo", "preStart ran"],
        postStop: ["echo", "postStop ran"],
      }),
    );
  }, 1_800_000);

  it("has a Node that was built for musl", () => {
    const { stdout } = ran(
      "node",
      "-p",
      "process.version + ' ' + process.report.getReport().header.glibcVersionRuntime",
    );
    expect(stdout).toBe("v26.0.0 undefined\n");
  });

  it("the package's command finds musl's launcher and addon, and becomes PID 1", () => {
    const done = ran(
      "sh",
      "-c",
      'exec /opt/package/scripts/containerpilot -config file:///etc/cp.json sh -c "cat /proc/1/maps; exit 6"',
    );
    expect(done.status).toBe(6);
    expect(done.stdout).toContain("/opt/package/prebuilds/linux-x64-musl/pilot.node");
    expect(done.stdout).not.toContain("ld-linux");
  });

  it("cpctl installs there, with V8's code, and what it installed registers, reaps, forwards and stops", async () => {
    expect(ran("node", "/opt/package/dist/cpctl.cjs", "install", "/opt/containerpilot")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/containerpilot for linux-x64-musl\n.*V8's code for Node 26/),
    });
    const words = 'trap "echo got USR2" USR2; trap "exit 3" TERM; (sleep 0.2 &); echo up; while :; do sleep 0.1; done';
    const box = started("/opt/containerpilot/containerpilot", "-config", "file:///etc/cp.json", "sh", "-c", words);
    await box.waitFor(/preStart ran\n.*up\n.*Listening on 127\.0\.0\.1:9090/s);
    await box.waitFor(/web.*(passing|registered)|Service registered/i);
    box.signal("SIGUSR2");
    await box.waitFor(/got USR2/);
    box.signal("SIGTERM");
    expect(await box.ended).toBe(3);
    expect(box.output()).toMatch(/postStop ran/);
    expect(box.output()).not.toMatch(/code\.cache|cannot be preloaded|Error relocating/);
  });

  it("a runtime that crashes is replaced, and the application stays", async () => {
    const words = 'trap "exit 3" TERM; echo up $$; while :; do sleep 0.1; done';
    const box = started(
      "/opt/package/prebuilds/linux-x64-musl/containerpilot",
      "-config",
      "file:///etc/cp.json",
      "sh",
      "-c",
      words,
    );
    await box.waitFor(/up \d+\n/);
    await box.waitFor(/Listening on/);
    box.signal("SIGSEGV");
    await box.waitFor(/Listening on.*Listening on/s);
    box.signal("SIGTERM");
    expect(await box.ended).toBe(3);
    expect(box.output().match(/^up /gm)?.length).toBe(1);
  });

  it("says in one line that an addon for glibc does not fit", () => {
    const musl = join(folder, "opt/containerpilot/pilot.node");
    copyFileSync(join(folder, "opt/package/prebuilds/linux-x64/pilot.node"), musl);
    const done = ran("/opt/containerpilot/containerpilot", "-config", "file:///etc/cp.json", "true");
    expect(done).toMatchObject({ status: 70, stdout: "" });
    expect(done.stderr).toMatch(
      /^containerpilot: \/opt\/containerpilot\/pilot\.node cannot be loaded into Node 26\.0\.0 \(linux-x64 musl\): .*; the file is for linux-x64 glibc\. Install containerpilot's files for linux-x64 musl/m,
    );
  });
});
