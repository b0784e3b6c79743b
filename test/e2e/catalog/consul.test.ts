import { openConsul } from "../../../src/catalog/consul.ts";
import { ConsulAgent } from "./consul-agent.ts";
import { type Bed, contract } from "./contract.ts";

async function bed(): Promise<Bed> {
  const agent = await ConsulAgent.start();
  return {
    open: () => openConsul({ kind: "consul", address: agent.address }, {}),
    wipe: ({ id }) => agent.json(`/v1/agent/service/deregister/${id}`, "PUT"),
    async fail(how) {
      if (how === "hung") agent.pause();
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
