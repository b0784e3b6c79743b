import { expect, it } from "vitest";
import { Environment } from "../../../src/runtime/environment.ts";

it("lists what was given and what was set since, and for one process alone what that one gets besides", () => {
  const environment = new Environment({ PATH: "/bin", GONE: undefined, A: "1" });
  environment.set("A", "2");
  environment.set("B", "x=y");
  expect(environment.list()).toEqual(["PATH=/bin", "A=2", "B=x=y"]);
  expect(environment.list({ A: "3", C: "" })).toEqual(["PATH=/bin", "A=3", "B=x=y", "C="]);
  expect(environment.list({})).toEqual(environment.list());
  environment.unset("B", "another value");
  environment.unset("A", "2");
  expect(environment.list()).toEqual(["PATH=/bin", "B=x=y"]);
});

it("tells what has another value than was given, as JSON", () => {
  const environment = new Environment({ PATH: "/bin", A: "1" });
  expect(environment.changes()).toBe("{}");
  environment.set("A", "2");
  environment.set('odd"name', "line\nline");
  environment.set("PATH", "/bin");
  expect(JSON.parse(environment.changes())).toEqual({ A: "2", 'odd"name': "line\nline" });
  environment.set("A", "1");
  environment.unset('odd"name', "line\nline");
  expect(environment.changes()).toBe("{}");
});
