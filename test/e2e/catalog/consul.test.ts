import { beforeAll } from "vitest";
import { openConsul } from "../../../src/catalog/consul.ts";
import { ConsulAgent } from "./consul-agent.ts";
import { type Bed, contract } from "./contract.ts";

let agent: ConsulAgent;
beforeAll(async () => {
  agent = await ConsulAgent.start();
});

/** One agent for all tests, emptied for each. */
async function bed(): Promise<Bed> {
  const wipe = async (id: string): Promise<void> => {
    await agent.json(`/v1/agent/service/deregister/${encodeURIComponent(id)}`, "PUT");
  };
  for (const id of Object.keys(await agent.json<object>("/v1/agent/services"))) await wipe(id);
  return {
    open: () => openConsul({ kind: "consul", address: agent.address }, {}),
    wipe: ({ id }) => wipe(id),
    async fail(how) {
      if (how === "hung") await agent.pause();
      else await agent.kill();
    },
    async back() {
      agent.resume();
      if (!(await agent.answers())) await agent.start();
    },
  };
}

contract("Consul", bed, {
  fails: ["absent", "hung"],
  statuses: true,
  tags: true,
  oddNames: [
    "web.1",
    "my service",
    "ünïcödé",
    "a%2Fb",
    'quote"s',
    "a;b&c=d",
    "100%",
    "a+b",
    "a/b",
    ".hidden",
    "x".repeat(200),
  ],
});
