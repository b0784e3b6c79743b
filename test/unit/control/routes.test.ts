/** What each path of the control socket does, without HTTP: the cases of ContainerPilot 3.8.0's own tests among them. */
import { expect, it } from "vitest";
import type { ControlHost, Order, Refusal } from "../../../src/control/host.ts";
import { routesOf } from "../../../src/control/routes.ts";

/** A host that keeps what it is asked. */
class Host implements ControlHost {
  readonly asked: unknown[] = [];
  refusal: Refusal | undefined;

  setEnvironment(variables: ReadonlyMap<string, string>): void {
    this.asked.push(Object.fromEntries(variables));
  }

  postMetrics(values: ReadonlyMap<string, string>): void {
    this.asked.push([...values].map(([key, value]) => `${key}|${value}`));
  }

  order(order: Order): Promise<Refusal | undefined> {
    this.asked.push(order);
    return Promise.resolve(this.refusal);
  }

  overview(): object {
    return { state: "running" };
  }

  answered(): void {}

  peer(): number {
    return 0;
  }

  log(): void {}
}

const maintenance = (on: boolean): Order => ({ do: "maintenance", on });

it.each<[string, string, number, unknown[]]>([
  ["/v3/environ", '{"MY_VAR":"value"}', 200, [{ MY_VAR: "value" }]],
  ["/v3/environ", '{"MY_VAR":""}', 200, [{ MY_VAR: "" }]],
  ["/v3/environ", '{"MY_VAR":null}', 200, [{ MY_VAR: "" }]],
  ["/v3/environ", '{"MY_VAR":"null"}', 200, [{ MY_VAR: "null" }]],
  ["/v3/environ", '{"MY_VAR":"a=b=c","OTHER":"x"}', 200, [{ MY_VAR: "a=b=c", OTHER: "x" }]],
  ["/v3/environ", "{{\n", 422, []],
  ["/v3/environ", "", 422, []],
  ["/v3/metric", "{{\n", 422, []],
  ["/v3/metric", '{"mymetric":1}', 200, [["mymetric|1"]]],
  ["/v3/metric", '{"mymetric":1.5}', 200, [["mymetric|1.5"]]],
  ["/v3/metric", '{"mymetric":1.5,"myothermetric":2}', 200, [["mymetric|1.5", "myothermetric|2"]]],
  ["/v3/metric", '{"mymetric":"-3"}', 200, [["mymetric|-3"]]],
  ["/v3/maintenance/enable", "", 200, [maintenance(true)]],
  ["/v3/maintenance/enable", "{{ ignored", 200, [maintenance(true)]],
  ["/v3/maintenance/disable", "", 200, [maintenance(false)]],
  ["/v3/maintenance/disable", '{"ignored":1}', 200, [maintenance(false)]],
  ["/v3/reload", "ignored", 200, [{ do: "reload" }]],
  ["/v3/ping", "ignored", 200, []],
])("%s %j: %d", async (path, body, code, asked) => {
  const host = new Host();
  expect(await routesOf(host).get(path)?.answer(body)).toMatchObject({ code });
  expect(host.asked).toEqual(asked);
});

it.each<[string, number]>([
  ["/v3/reload", 422],
  ["/v3/maintenance/enable", 503],
  ["/v3/maintenance/disable", 503],
])("%s that is refused: %d, with the reason", async (path, code) => {
  const host = new Host();
  host.refusal = { lines: ["it is too late"] };
  expect(await routesOf(host).get(path)?.answer("")).toEqual({ code, lines: ["it is too late"] });
});

it("/status: what runs, as JSON", async () => {
  expect(await routesOf(new Host()).get("/status")?.answer("")).toEqual({ code: 200, json: '{"state":"running"}' });
});

it("takes POST alone, but for a ping and the status, and knows no other path", () => {
  const routes = routesOf(new Host());
  expect(Object.fromEntries([...routes].map(([path, { method }]) => [path, method ?? "any"]))).toEqual({
    "/status": "GET",
    "/v3/environ": "POST",
    "/v3/maintenance/disable": "POST",
    "/v3/maintenance/enable": "POST",
    "/v3/metric": "POST",
    "/v3/ping": "any",
    "/v3/reload": "POST",
  });
});
