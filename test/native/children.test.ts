/** What a child is, as it and the kernel see it. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers, fixture, run, tempFolder } from "../e2e/harness.ts";
import { command, drive, driveBelow, inImage, saidOf } from "./image.ts";

const tell = `
  grep -E '^(Uid|Gid|Groups|NoNewPrivs|CapAmb|CapEff|Umask|SigBlk|SigIgn|SigPnd|ShdPnd):' /proc/self/status | tr -s '\\t ' ' '
  echo "oom $(cat /proc/self/oom_score_adj)"; echo "nice $(nice)"; echo "cwd $(pwd)"; echo "fds $(echo /proc/self/fd/*)"
  awk '/^Max (open files|core file size|file size)/ { print $2, $(NF - 2), $(NF - 1) }' /proc/self/limits`;

const attributes = {
  ...{
    uid: 1234,
    gid: 2345,
    groups: [7, 8],
    umask: 0o27,
    cwd: "/usr",
    nice: 5,
    oomScoreAdj: 300,
    noNewPrivileges: true,
  },
  ...{
    capabilities: ["NET_BIND_SERVICE", "KILL"],
    limits: [
      ["nofile", 70, 90],
      ["core", 0, 0],
    ],
    deathSignal: 9,
  },
};

const expected = [
  "Uid: 1234 1234 1234 1234",
  "Gid: 2345 2345 2345 2345",
  "Groups: 7 8 ",
  "NoNewPrivs: 1",
  "CapAmb: 0000000000000420",
  "CapEff: 0000000000000420",
  "Umask: 0027",
  ...["SigBlk", "SigIgn", "SigPnd", "ShdPnd"].map((set) => `${set}: 0000000000000000`),
  "oom 300",
  "nice 5",
  "cwd /usr",
  "open 70 90",
  "core 0 0",
];

describeContainers("a child", () => {
  it.each([
    ["PID 1", drive],
    ["another process", driveBelow],
  ] as const)("of %s has all the attributes it was given, and nothing of the init's", async (_, start) => {
    const words = ["run-with", JSON.stringify(attributes), "/bin/sh", "-c", tell];
    const box = await start("launcher", words, { nofile: "1000:20000" });
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout.split("\n")).toEqual(expect.arrayContaining(expected));
    // The last one is the folder itself, opened to be read.
    expect(box.stdout).toMatch(/^fds( \/proc\/self\/fd\/[0-3])+$/m);
    const plain = await start("launcher", ["run-with", "{}", "/bin/sh", "-c", tell], { nofile: "1000:20000" });
    expect(await plain.exit).toEqual({ code: 0 });
    for (const line of ["Uid: 0 0 0 0", "NoNewPrivs: 0", "CapAmb: 0000000000000000", "nice 0", "open 1000 20000"])
      expect(plain.stdout.split("\n")).toContain(line);
  });

  it("that cannot be given one is not started, and what is missing is named", async () => {
    const words = ["run-with", '{"cwd":"/no/such/folder"}', "/bin/true"];
    const box = await drive("launcher", words, { timeoutMs: 60_000 });
    await box.waitFor(/"t":"spawned"/);
    expect(saidOf(box, "spawned")).toEqual([{ t: "spawned", run: 1, result: -2 }]);
    await box.kill();
  });

  it("comes from clone with shared memory, never from fork", async () => {
    const folder = tempFolder();
    const strace = [
      "strace",
      "-ff",
      "-qq",
      "-s",
      "4096",
      "-o",
      join(folder, "trace"),
      "-e",
      "trace=clone,clone3,fork,vfork,execve",
    ];
    const app = ["/bin/sh", "-c", "/bin/true; exit 6"];
    const entrypoint = [...strace, ...command("launcher", "run-logged", ...app)];
    const box = await run({ entrypoint, binds: [folder, inImage(".")], timeoutMs: 60_000 });
    expect(await box.exit).toEqual({ code: 6 });
    const traces = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
    const init = traces.find((trace) => trace.includes(`${basename(inImage("containerpilot.cjs"))}"`)) ?? "";
    const calls = init.match(/^(clone3?|v?fork)\(.*$/gm) ?? [];
    const children = calls.filter((call) => !call.includes("CLONE_THREAD"));
    expect(children).toHaveLength(1);
    expect(children[0]).toMatch(
      /^clone\(.*flags=CLONE_VM\|(CLONE_PARENT_SETTID\|)?CLONE_VFORK\|(CLONE_PARENT_SETTID\|)?SIGCHLD/,
    );
    // The other threads of the init have no execve in their traces, and make no processes either.
    for (const trace of traces.filter((one) => !one.includes("execve(")))
      expect(trace.match(/^(clone3?|v?fork)\((?!.*CLONE_THREAD).*$/gm) ?? []).toEqual([]);
  });
});

describeContainers("shared standard streams", () => {
  it.each(["pipe", "socket", "tty", "file"])(
    "a %s has the flags it had, for the application and afterwards",
    async (kind) => {
      const folder = tempFolder();
      const entrypoint = ["python3", fixture("compares-flags.py"), kind, folder, ...command("launcher", "run")];
      const box = await run({ entrypoint, binds: [folder, inImage(".")], timeoutMs: 60_000 });
      expect(await box.exit).toEqual({ code: 0 });
      expect(box.stdout).toMatch(/^before (\d+) (\d+) (\d+)\nduring \1 \2 \3\nafter \1 \2 \3\n$/);
    },
  );
});
