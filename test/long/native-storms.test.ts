import { describe, it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { checkStorm, loads, roles } from "../native/storm.ts";

const orphans = 20_000;

describeContainers(`${orphans} orphans`, () => {
  describe.each(roles)("as %s", (role) => {
    it.each(loads)("are reaped to the last while JavaScript is %s", (load) => checkStorm(role, load, orphans));
  });
});
