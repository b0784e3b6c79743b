import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { consulAgent, describeContainers, etcd, fixture, network, nginx, type Program, run } from "./harness.ts";

const sh = (script: string) => ({ entrypoint: ["/bin/sh", "-c", script] });

describeContainers("a container of the harness", () => {
  it("is PID 1 of its own namespace and tells its exit code", async () => {
    const box = await run(sh("echo I am $$; exit 7"));
    expect(await box.exit).toEqual({ code: 7 });
    expect(box.stdout).toBe("I am 1\n");
  });

  it("tells death by a signal apart from the exit code of the same number", async () => {
    const killed = await run(sh("echo up; sleep 100"));
    await killed.waitFor(/up/);
    killed.signal("SIGKILL");
    expect(await killed.exit).toEqual({ signal: "SIGKILL" });
    const left = await run(sh("exit 137"));
    expect(await left.exit).toEqual({ code: 137 });
  });

  it("drops a signal that PID 1 does not handle, as the kernel does", async () => {
    const box = await run(sh("echo up; sleep 0.2; exit 3"));
    await box.waitFor(/up/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("kills what does not end in time", async () => {
    const box = await run({ ...sh("sleep 100"), timeoutMs: 100 });
    expect(await box.exit).toEqual({ signal: "SIGKILL" });
    expect(box.output).toMatch(/still running after 100 ms/);
  });

  it("rejects a wait for what is never said, with the output", async () => {
    const box = await run(sh("echo something else"));
    await expect(box.waitFor(/ready/)).rejects.toThrow(/something else/);
  });

  it("keeps both streams and the exact environment", async () => {
    const box = await run({ ...sh("env; echo to stderr >&2"), env: { GIVEN: "a=b" } });
    await box.exit;
    expect(box.stdout).toMatch(/^GIVEN=a=b$/m);
    expect(box.stdout).not.toMatch(/VITEST|NODE_/);
    expect(box.stderr).toBe("to stderr\n");
  });

  it("shares its folder, and gives a private root when a file has an absolute path", async () => {
    const box = await run({
      ...sh("/reload.sh; cat /etc/app/own.conf >> relative.txt; touch /etc/made-inside"),
      files: { "relative.txt": "one\n", "/etc/app/own.conf": "two\n", "/reload.sh": "#!/bin/sh\necho reloaded\n" },
    });
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout).toBe("reloaded\n");
    expect(readFileSync(join(box.folder, "relative.txt"), "utf8")).toBe("one\ntwo\n");
    expect(existsSync("/etc/made-inside")).toBe(false);
  });

  it("has /run and /dev/shm of its own", async () => {
    const [one, two] = await Promise.all(
      ["a", "b"].map((name) => run(sh(`touch /run/${name} /dev/shm/${name}; ls /run /dev/shm`))),
    );
    await Promise.all([one?.exit, two?.exit]);
    expect(one?.stdout).toBe("/dev/shm:\na\n\n/run:\na\n");
    expect(two?.stdout).toBe("/dev/shm:\nb\n\n/run:\nb\n");
  });

  it("can be read-only, without /proc, of another name, of another user", async () => {
    const box = await run({
      ...sh("touch /etc/x; touch /tmp/y && echo tmp is writable; ls /proc; hostname; id -u; id -G"),
      readOnly: true,
      noProc: true,
      tmpfs: ["/tmp,size=64k"],
      hostname: "box",
      user: "1000",
    });
    await box.exit;
    expect(box.stderr).toMatch(/Read-only file system/);
    expect(box.stdout).toBe("tmp is writable\nbox\n1000\n1000\n");
  });

  it("gives a terminal that understands control characters", async () => {
    const box = await run({ ...sh("trap 'echo got INT; exit 4' INT; tty; while :; do sleep 0.1; done"), tty: true });
    await box.waitFor(/dev\/pts/);
    box.write("\u0003");
    expect(await box.exit).toEqual({ code: 4 });
    expect(box.stdout).toMatch(/got INT/);
  });

  it("hands over what is typed", async () => {
    const box = await run({ ...sh("read line; echo read $line"), stdin: "pipe" });
    box.write("this\n");
    await box.exit;
    expect(box.stdout).toBe("read this\n");
  });

  it("starts its program with nothing inherited: descriptors, masks, groups", async () => {
    const box = await run({ entrypoint: [fixture("prints-state")] });
    expect(await box.exit).toEqual({ code: 0 });
    for (const line of [
      "pid 1",
      "ppid 0",
      "pgid 1",
      "sid 1",
      "SigBlk 0000000000000000",
      "SigIgn 0000000000000000",
      "fds 0 1 2",
    ]) {
      expect(box.stdout.split("\n")).toContain(line);
    }
  });

  it("lists its processes, zombies too", async () => {
    const box = await run({ entrypoint: [fixture("keeps-zombie")] });
    await box.waitFor(/ready/);
    expect(await box.processes()).toEqual([
      { pid: 1, ppid: 0, state: "S", name: "keeps-zombie" },
      { pid: 2, ppid: 1, state: "Z", name: "keeps-zombie" },
    ]);
    expect((await box.zombies()).map(({ pid }) => pid)).toEqual([2]);
  });

  it("limits memory", async () => {
    const box = await run({ ...sh("head -c 100m /dev/zero | tail; echo survived $?"), memoryBytes: 32 << 20 });
    await box.exit;
    expect(box.output).toMatch(/Killed|survived 137/);
  });

  it("limits processes", async () => {
    const box = await run({ ...sh("for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; echo forked all"), pids: 4 });
    await box.exit;
    expect(box.stderr).toMatch(/fork/i);
    expect(box.stdout).not.toMatch(/forked all/);
  });
});

describeContainers("servers of the harness", () => {
  it("share a network with a container: Consul, killed, paused and started again empty", async () => {
    const consul = await consulAgent();
    await consul.json("/v1/agent/service/register", { Name: "web", ID: "web-1", Port: 80 });
    const visitor = await run({
      entrypoint: [
        process.execPath,
        "-e",
        "fetch('http://127.0.0.1:8500/v1/agent/services').then(async r => console.log(await r.text()))",
      ],
      net: consul.net,
    });
    await visitor.exit;
    expect(visitor.stdout).toMatch(/"web-1"/);
    consul.pause();
    let answered = false;
    const asked = consul.http("/v1/status/leader").finally(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(answered).toBe(false);
    consul.resume();
    expect((await asked).status).toBe(200);
    await consul.kill();
    await expect(consul.json("/v1/agent/services")).rejects.toThrow();
    await consul.start();
    expect(await consul.json("/v1/agent/services")).toEqual({});
  });

  it("etcd", async () => {
    const store = await etcd();
    expect(await store.json("/v2/keys/a?value=b", {})).toMatchObject({ action: "set" });
  });

  it("nginx, in a network beside another", async () => {
    const net = await network();
    const web = await nginx('server { listen 80; location / { return 200 "hello"; } }', 80, net);
    expect((await web.http("/")).body).toBe("hello");
  });
});

describe("ends", () => {
  let kept: Program | undefined;

  it.runIf(process.getuid?.() === 0)("with the test that started it (first half)", async () => {
    kept = await run(sh("sleep 100"));
    expect(kept.ended).toBeUndefined();
  });

  it.runIf(process.getuid?.() === 0)("with the test that started it (second half)", () => {
    expect(kept?.ended).toEqual({ signal: "SIGKILL" });
  });
});
