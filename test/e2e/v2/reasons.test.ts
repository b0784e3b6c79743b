/** Why a process ended, told alike in the log, to hooks, to Kubernetes and to Prometheus. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import {
  type Container,
  describeContainers,
  entrypoint,
  network,
  type RunOptions,
  run,
  writeFiles,
} from "../harness.ts";

const sh = (script: string) => ["sh", "-c", script];
const told = sh(
  'echo "hook: $CONTAINERPILOT_APP_EXIT_REASON, $CONTAINERPILOT_APP_EXIT_CODE, $CONTAINERPILOT_APP_EXIT_MESSAGE"; ' +
    // An application that ends at once is quicker than the server.
    "until curl -s http://127.0.0.1:9093/metrics; do sleep 0.05; done",
);
const telemetry = { port: 9093, interfaces: ["static:127.0.0.1"] };
const config = { directory: "catalog", stopTimeout: 1, telemetry, postStop: told };

/** A /dev with the file that Kubernetes mounts there; `how` is done to it in the folder of devices. */
const devices = (how: string) => [
  "sh",
  "-c",
  "mount -t tmpfs tmpfs /media && cp -a /dev/null /dev/urandom /media && cd /media && " +
    `${how} && cd "$OLDPWD" && mount --move /media /dev && exec "$@"`,
  "sh",
  entrypoint,
];
const mounted = devices('touch termination-log && mount --bind "$OLDPWD/last-words" termination-log');

const start = (options: RunOptions): Promise<Container> =>
  run({ config, files: { "last-words": "" }, entrypoint: mounted, net: "own", ...options });
const lastWords = (box: Container): string => readFileSync(join(box.folder, "last-words"), "utf8");

/** The same word in all four places, the same sentence in three. */
function expectReason(box: Container, word: string, code: number, text: string, more = ""): void {
  expect(box.stdout).toContain(`hook: ${word}, ${code}, ${text}\n`);
  expect(box.stdout).toContain(`\ncontainerpilot_job_ends_total{job="APP",reason="${word}"} 1\n`);
  expect(box.output).toContain(`Exiting with ${code}: ${word}: ${text}${more}\n`);
  expect(lastWords(box)).toBe(`${word}: ${text}${more} (exit code ${code})\n`);
}

const endless = "echo up; while :; do sleep 0.05; done";

describeContainers("the reason of the end", () => {
  it("exit: by itself", async () => {
    const box = await start({ words: sh("exit 3") });
    expect(await box.exit).toEqual({ code: 3 });
    expectReason(box, "exit", 3, "APP ended with 3");
  });

  it.each([
    ["ends by it", endless, 143, "APP was ended by our SIGTERM"],
    ["ends with a code", `trap 'exit 4' TERM; ${endless}`, 4, "APP ended with 4 after our SIGTERM"],
    ["ignores it", `trap '' TERM; ${endless}`, 137, "APP was killed by us: it did not end after our SIGTERM"],
  ])("stop: an application that %s, and who asked for it", async (_, script, code, text) => {
    const box = await start({ words: sh(script) });
    await box.waitFor(/up/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code });
    expectReason(box, "stop", code, text, "; asked to stop by SIGTERM from outside of the container");
  });

  it("signal: that somebody in the container sent to the application", async () => {
    const box = await start({ words: sh("kill -KILL $$") });
    expect(await box.exit).toEqual({ code: 137 });
    expectReason(box, "signal", 137, "APP was ended by SIGKILL, which we did not send");
  });

  it("signal: that the init was sent and handed on, with its sender", async () => {
    const box = await start({ words: sh(endless) });
    await box.waitFor(/up/);
    const sender = await box.inside("sh", "-c", "echo pid $$; kill -USR2 1");
    expect(await box.exit).toEqual({ code: 140 });
    const pid = /^pid (\d+)$/m.exec(sender.stdout)?.[1];
    expectReason(box, "signal", 140, `APP was ended by SIGUSR2 from process ${pid}, uid 0`);
  });

  it("signal: whoever sent it, with his uid", async () => {
    // In a session of its own, so that the application's end does not come first.
    const box = await start({
      words: sh("setsid sh -c 'echo pid $$; sleep 0.3; kill -USR2 1' & sleep 1000"),
      user: "12345:12345",
      // Who may not mount has no last words to look at.
      entrypoint: [entrypoint],
      config: { ...config, directory: "/dev/shm/catalog" },
    });
    expect(await box.exit).toEqual({ code: 140 });
    const pid = /^pid (\d+)$/m.exec(box.stdout)?.[1];
    expect(box.output).toContain(`Exiting with 140: signal: APP was ended by SIGUSR2 from process ${pid}, uid 12345\n`);
  });

  it("stop: asked for by a process of the container", async () => {
    const box = await start({ words: sh(endless) });
    await box.waitFor(/up/);
    const sender = await box.inside("sh", "-c", "echo pid $$; kill -TERM 1");
    expect(await box.exit).toEqual({ code: 143 });
    const pid = /^pid (\d+)$/m.exec(sender.stdout)?.[1];
    expectReason(
      box,
      "stop",
      143,
      "APP was ended by our SIGTERM",
      `; asked to stop by SIGTERM from process ${pid}, uid 0`,
    );
  });

  it("oom: killed by the kernel at the container's limit of memory", async () => {
    const box = await start({
      words: ["perl", "-e", '$x = "x" x 10_000_000; push @all, "$x" while 1'],
      memoryBytes: 96 << 20,
      timeoutMs: 60_000,
    });
    expect(await box.exit).toEqual({ code: 137 });
    expectReason(box, "oom", 137, "APP was killed by the kernel: the container is out of memory");
  });

  it("oom: of a shell whose program was killed", async () => {
    const box = await start({
      words: sh(`perl -e '$x = "x" x 10_000_000; push @all, "$x" while 1'; exit $?`),
      memoryBytes: 96 << 20,
      timeoutMs: 60_000,
    });
    expect(await box.exit).toEqual({ code: 137 });
    const text = "APP ended with 137 after the kernel had killed a process of it: the container is out of memory";
    expectReason(box, "oom", 137, text);
  });

  // A double: files as version 2 of cgroups has them (cgroups(7)), since a machine has its controllers in one version alone.
  describe.each([
    ["the container's own at the top", "0::/", "/sys/fs/cgroup"],
    ["the machine's, by the path of the group", "0::/kubepods/pod7/app", "/sys/fs/cgroup/kubepods/pod7/app"],
  ])("with the counters of version 2, %s", (_, group, folder) => {
    const counters = (kills: number) => `low 0\nhigh 0\nmax 41\noom 3\noom_kill ${kills}\noom_group_kill 0`;
    const double = (kills: number) => [
      ...["sh", "-c"],
      `mount -t tmpfs tmpfs /sys/fs/cgroup && mkdir -p ${folder} && printf '${counters(kills)}\n' > ${folder}/memory.events && ` +
        `echo ${group} > group && mount --bind group /proc/1/cgroup && ${mounted[2]}`,
      "sh",
      entrypoint,
    ];
    const killed = (after: number) =>
      sh(
        `until [ -e go ]; do sleep 0.05; done; printf '${counters(after)}\n' > ${folder}/memory.events; kill -KILL $$`,
      );

    it.each([
      ["oom, where it counts one more", 2, 3, "oom", "APP was killed by the kernel: the container is out of memory"],
      ["signal, where it counts none", 0, 0, "signal", "APP was ended by SIGKILL, which we did not send"],
      ["signal, where it counted one before", 1, 1, "signal", "APP was ended by SIGKILL, which we did not send"],
    ])("%s", async (_, before, after, word, text) => {
      const box = await start({ entrypoint: double(before), words: killed(after) });
      // What came before the application is not its own.
      await box.waitFor(/telemetry: Listening/);
      writeFiles(box.folder, { go: "" });
      expect(await box.exit).toEqual({ code: 137 });
      expectReason(box, word, 137, text);
    });
  });

  it("exec: the missing interpreter, and the missing libc", async () => {
    const script = await start({ files: { "last-words": "", app: "#!/no/interpreter\n" }, words: ["./app"] });
    expect(await script.exit).toEqual({ code: 127 });
    const text = "'./app' (./app) names the interpreter '/no/interpreter', which does not exist";
    expectReason(script, "exec", 127, `APP could not be started: ${text}`);

    const making =
      "sed 's,/lib64/ld-linux-x86-64.so.2,/lib/ld-musl-missing.so.1\\x00\\x00,' /bin/true > app; chmod +x app";
    const binary = await start({ config: { ...config, preStart: sh(making) }, words: ["./app"] });
    expect(await binary.exit).toEqual({ code: 127 });
    expect(lastWords(binary)).toMatch(
      /^exec: APP could not be started: '\.\/app' \(\.\/app\) needs the loader '\/lib\/ld-musl-missing\.so\.1.*built for musl/,
    );
  });

  it("of a hook that has the last word", async () => {
    const box = await start({ config: { ...config, postStop: sh("exit 7") }, words: sh("exit 5") });
    expect(await box.exit).toEqual({ code: 7 });
    expect(lastWords(box)).toBe("exit: APP ended with 5; postStop ended with 7 (exit code 7)\n");
  });

  it("of a configuration that is refused", async () => {
    const box = await start({ config: { stopTimeuot: 1 } });
    expect(await box.exit).toEqual({ code: 78 });
    expect(lastWords(box)).toContain("stopTimeuot");
  });

  it("timeout: a task whose time is over; all are counted", async () => {
    const net = await network();
    const task = { name: "slow", command: "sleep 1000", frequency: "500ms", timeout: "200ms" };
    const box = await run({ config: { ...config, tasks: [task] }, words: sh(endless), net });
    await box.waitFor(/up/);
    await vi.waitFor(
      async () => {
        const { body } = await net.http(9093, "/metrics");
        expect(body).toMatch(/^containerpilot_job_ends_total\{job="task\[slow\]",reason="timeout"\} [1-9]/m);
      },
      { timeout: 20_000, interval: 200 },
    );
  });
});

describeContainers("the termination log", () => {
  it("keeps what the application has written there", async () => {
    const box = await start({ words: sh("echo mine > /dev/termination-log; exit 3") });
    expect(await box.exit).toEqual({ code: 3 });
    expect(lastWords(box)).toBe("mine\nexit: APP ended with 3 (exit code 3)\n");
  });

  it.each([
    ["missing: none is made", ":", "cannot access '/dev/termination-log'"],
    [
      "read-only",
      "touch termination-log && mount --bind -o ro termination-log termination-log",
      "/dev/termination-log",
    ],
    ["a pipe that nobody reads", "mkfifo termination-log", "/dev/termination-log"],
  ])("%s changes nothing", async (_, how, seen) => {
    const postStop = sh("ls /dev/termination-log 2>&1; true");
    const box = await run({ config: { ...config, postStop }, entrypoint: devices(how), words: sh("exit 3") });
    expect(await box.exit).toEqual({ code: 3 });
    expect(box.output).toContain(seen);
    expect(box.output).toContain("Exiting with 3: exit: APP ended with 3");
  });
});
