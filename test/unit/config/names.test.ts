import { describe, expect, it } from "vitest";
import { addressVariable, Ids, isGoodName, pidVariable } from "../../../src/config/names.ts";

describe("isGoodName", () => {
  it.each(["myService", "my-service", "my-service-123", "ab"])("%s", (name) => expect(isGoodName(name)).toBe(true));
  it.each(["my_service", "-my-service", "my%service", "a", "Web", "my.service", "9web", ""])("not %j", (name) =>
    expect(isGoodName(name)).toBe(false),
  );
});

it.each([
  ["web", "CONTAINERPILOT_WEB_IP"],
  ["web-admin", "CONTAINERPILOT_WEB_ADMIN_IP"],
  ["my-db_x.y", "CONTAINERPILOT_MY_DB_X.Y_IP"],
])("the address of %s is in %s", (name, variable) => expect(addressVariable(name)).toBe(variable));

it.each([
  ["testCase", "TESTCASE"],
  ["test-case", "TEST_CASE"],
  ["/bin/to/test-Case--now.sh", "TEST_CASE_NOW"],
  ["./bin/to/testCase.sh", "TESTCASE"],
  ["check.web", "CHECK"],
  ["consul-agent", "CONSUL_AGENT"],
])("the pid of %s is in CONTAINERPILOT_%s_PID", (name, middle) =>
  expect(pidVariable(name)).toBe(`CONTAINERPILOT_${middle}_PID`),
);

it("gives each repeated name an id of its own", () => {
  const ids = new Ids();
  expect(["web", "db", "web", "web", "web#2"].map((name) => ids.take(name))).toEqual([
    "web",
    "db",
    "web#2",
    "web#3",
    "web#2#2",
  ]);
});
