import { expect, it } from "vitest";
import { screenOf } from "../../../src/tools/status.ts";

const job = { name: "web", state: "running", health: "healthy", seconds: 0 };

it("shows jobs, services and watches in aligned columns", () => {
  expect(
    screenOf({
      state: "running",
      maintenance: true,
      jobs: [
        { ...job, pid: 12, seconds: 7385 },
        { ...job, name: "prepare", state: "done", health: "unknown", lastEnd: "code 0" },
      ],
      services: [{ name: "web", address: "10.1.2.3", port: 80, status: "passing" }],
      watches: [{ name: "db", instances: 2 }],
    }),
  ).toBe(
    [
      "running, in maintenance",
      "",
      "JOB      STATE    HEALTH   PID  FOR    LAST END",
      "web      running  healthy  12   2h03m  -",
      "prepare  done     unknown  -    0s     code 0",
      "",
      "SERVICE  ADDRESS      STATUS",
      "web      10.1.2.3:80  passing",
      "",
      "WATCH  INSTANCES",
      "db     2",
      "",
    ].join("\n"),
  );
});

it("leaves out what there is none of", () => {
  expect(screenOf({ state: "starting", maintenance: false, jobs: [], services: [], watches: [] })).toBe("starting\n");
});

it.each([
  [59, "59s"],
  [60, "1m00s"],
  [3599, "59m59s"],
  [3600, "1h00m"],
  [86_399, "23h59m"],
  [86_400, "1d00h"],
  [1_000_000, "11d13h"],
])("%d seconds are %s", (seconds, text) => {
  const screen = screenOf({
    state: "running",
    maintenance: false,
    jobs: [{ ...job, seconds }],
    services: [],
    watches: [],
  });
  expect(screen).toContain(`  ${text}  `);
});
