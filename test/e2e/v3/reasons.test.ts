/** Why a job ended, in ContainerPilot 3's dialect: the words are those of version 2's tests. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers, entrypoint } from "../harness.ts";
import { sh } from "../v2/stage.ts";
import { bare, start } from "./stage.ts";

const port = 9090;
const mounted = [
  ...["sh", "-c"],
  "mount -t tmpfs tmpfs /media && cp -a /dev/null /dev/urandom /media && touch /media/termination-log && " +
    'mount --bind last-words /media/termination-log && mount --move /media /dev && exec "$@"',
  ...["sh", entrypoint],
];

/** Runs after the job `main`, and says what it finds of its end. */
const after = {
  name: "after",
  exec: sh(
    'echo "hook: $CONTAINERPILOT_MAIN_EXIT_REASON, $CONTAINERPILOT_MAIN_EXIT_CODE, $CONTAINERPILOT_MAIN_EXIT_MESSAGE"; ' +
      `until curl -s http://127.0.0.1:${port}/metrics | grep 'job_ends_total{job="main"'; do sleep 0.05; done`,
  ),
  when: { source: "main", once: "stopped" },
};

describeContainers("the reason of a job's end", () => {
  it.each([
    ["exit", sh("exit 3"), 3, "main ended with 3"],
    ["signal", sh("kill -KILL $$"), 137, "main was ended by SIGKILL, which we did not send"],
    [
      "exec",
      ["./app"],
      127,
      "main could not be started: './app' (./app) names the interpreter '/no/sh', which does not exist",
    ],
  ])(
    "%s: the same in the log, the metric, the environment of what follows, and the last words",
    async (word, exec, code, text) => {
      const box = await start(
        {
          ...bare,
          logging: { format: "text" },
          telemetry: { port, interfaces: ["static:127.0.0.1"] },
          jobs: [
            { name: "make", exec: sh("printf '#!/no/sh\\n' > app; chmod +x app") },
            { name: "main", exec, main: true, when: { source: "make", once: "exitSuccess" } },
            after,
          ],
        },
        { files: { "last-words": "" }, entrypoint: mounted, net: "own" },
      );
      await box.exit;
      expect(box.output).toContain(`hook: ${word}, ${code}, ${text}`);
      expect(box.output).toMatch(
        new RegExp(`containerpilot_job_ends_total\\{job=\\\\?"main\\\\?",reason=\\\\?"${word}\\\\?"\\} 1`),
      );
      expect(box.output).toContain(`: ${word}: ${text}`);
      expect(readFileSync(join(box.folder, "last-words"), "utf8")).toContain(`${word}: ${text} (exit code`);
    },
  );
});
