/** Programs that cannot be started: the same sentence in the log, in postStop's environment, in the metric and in the last words. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Container, describeContainers, entrypoint, type RunOptions, run } from "../harness.ts";
import { sh } from "./stage.ts";

const PORT = 19_396;

/** Says the reason as it finds it, and what is counted. */
const told = sh(
  'echo "hook: $CONTAINERPILOT_APP_EXIT_REASON, $CONTAINERPILOT_APP_EXIT_CODE, $CONTAINERPILOT_APP_EXIT_MESSAGE"; ' +
    // It may be quicker than the server.
    `until curl -s http://127.0.0.1:${PORT}/metrics | grep 'job_ends_total{job="APP"'; do sleep 0.05; done`,
);
const telemetry = { port: PORT, interfaces: ["static:127.0.0.1"] };

/** With a file where Kubernetes mounts the termination log; `before` is a shell's words in the folder. */
async function start(before: string, words: readonly string[], more: RunOptions = {}): Promise<Container> {
  const making =
    "mount -t tmpfs tmpfs /media && cp -a /dev/null /dev/urandom /media && touch /media/termination-log && " +
    'mount --bind last-words /media/termination-log && mount --move /media /dev && eval "$0" && exec "$@"';
  return run({
    config: { directory: "catalog", stopTimeout: 1, telemetry, postStop: told },
    files: { "last-words": "" },
    entrypoint: ["sh", "-c", making, before, ...(more.entrypoint ?? [entrypoint])],
    words,
    net: "own",
    timeoutMs: 60_000,
  });
}

async function expectTold(box: Container, code: number, sentence: string): Promise<void> {
  expect(await box.exit).toEqual({ code });
  const text = `APP could not be started: ${sentence}`;
  expect(box.stdout).toContain(`hook: exec, ${code}, ${text}\n`);
  expect(box.output).toContain(`Exiting with ${code}: exec: ${text}\n`);
  expect(box.output).toContain(`APP: ${sentence}\n`);
  expect(box.stdout).toContain('containerpilot_job_ends_total{job="APP",reason="exec"} 1\n');
  expect(readFileSync(join(box.folder, "last-words"), "utf8")).toBe(`exec: ${text} (exit code ${code})\n`);
}

/** `app` with this content (printf(1)), executable. */
const script = (content: string) => `printf '${content}' > app; chmod 755 app`;

describeContainers("an application that cannot be started", () => {
  it.each([
    [
      "with line ends of Windows",
      script("#!/bin/sh\\r\\necho hello\\r\\n"),
      127,
      "'./app' (./app) names the interpreter '/bin/sh' with a carriage return behind it: save it with Unix line ends",
    ],
    ["that is a directory", "mkdir app", 126, "'./app' is a directory, not a program"],
    ["that is a pipe", "mkfifo -m 755 app", 126, "'./app' is a pipe or a device, not a program"],
    ["that is an empty file", script(""), 126, "'./app' (./app) is an empty file"],
    [
      "that is a text",
      script("echo hello\\n"),
      126,
      "'./app' (./app) is neither a binary for this machine nor a script: its first line must name an interpreter (#!/bin/sh)",
    ],
    [
      "whose interpreter may not be executed",
      script("#!/etc/passwd\\n"),
      126,
      "'./app' (./app) runs by '/etc/passwd', which may not be executed: check its mode (chmod +x) and the mount's noexec",
    ],
    ["that is a link to nowhere", "ln -s /no/where app", 127, "'./app' is a link to '/no/where', which does not exist"],
    [
      "on a mount with noexec",
      'cd "$PWD"; mkdir m; mount -t tmpfs -o noexec tmpfs m; cp /bin/true m/app; ln -s m/app app',
      126,
      "'./app' (./app) may not be executed: check its mode (chmod +x) and the mount's noexec",
    ],
  ])("%s", async (_, before, code, sentence) => {
    await expectTold(await start(before, ["./app"]), code, sentence);
  });

  it.each([
    ["ENOMEM", "no memory is left"],
    [
      "EPERM",
      "the kernel does not permit it (EPERM): a seccomp profile, or its file's capabilities without the right to them",
    ],
    ["ENAMETOOLONG", "its name is too long"],
    ["EIO", "its file cannot be read (EIO)"],
  ])("where the kernel answers %s", async (errno, words) => {
    const strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", "/bin/true", "-e", "trace=execve"];
    const box = await start(":", ["/bin/true"], {
      entrypoint: [...strace, "-e", `inject=execve:error=${errno}`, entrypoint],
    });
    await expectTold(box, 126, `'/bin/true' could not be started: ${words}`);
  });
});

describeContainers("a hook that cannot be started", () => {
  it("for the length of its words ends the container, and says so", async () => {
    const config = { directory: "catalog", preStart: ["/bin/true", "x".repeat(200_000)] };
    const box = await run({ config, words: ["echo", "app"] });
    expect(await box.exit).toEqual({ code: 126 });
    const text = "preStart: '/bin/true' could not be started: its arguments and environment are too long";
    expect(box.output).toContain(text);
    expect(box.stdout).not.toContain("app");
  });
});
