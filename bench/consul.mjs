// A real Consul agent on ports of its own, and a proxy in front of it that counts requests.
import { spawn } from "node:child_process";
import { createServer, request } from "node:http";
import { createServer as listen } from "node:net";
import { join } from "node:path";
import { root } from "./sides.mjs";

export const freePort = () =>
  new Promise((settle) => {
    const server = listen().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => settle(port));
    });
  });

export async function startConsul() {
  const [http, rpc, serf] = [await freePort(), await freePort(), await freePort()];
  const ports = ["-http-port", http, "-server-port", rpc, "-serf-lan-port", serf, "-serf-wan-port", -1];
  const off = ["-dns-port", -1, "-grpc-port", -1];
  const words = ["agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1", ...ports, ...off].map(String);
  const agent = spawn(join(root, ".tools/consul/usr/bin/consul"), words, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((settle, refuse) => {
    agent.stdout.on("data", (part) => /Synced node info/.test(part) && settle());
    agent.once("close", () => refuse(new Error("the Consul agent ended")));
  });
  const address = `127.0.0.1:${http}`;
  return {
    address,
    /** @returns {Promise<{index: string, body: unknown}>} */
    async call(path, body) {
      const how = body === undefined ? {} : { method: "PUT", body: JSON.stringify(body) };
      const answer = await fetch(`http://${address}${path}`, how);
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
      return { index: answer.headers.get("x-consul-index") ?? "0", body: text === "" ? undefined : JSON.parse(text) };
    },
    stop: () => agent.kill("SIGKILL"),
  };
}

/** Hands on to Consul, counting. */
export async function startCounter(address) {
  const counter = { requests: 0, address: "", stop: () => server.close() };
  const [host, port] = address.split(":");
  const server = createServer((asked, answered) => {
    counter.requests += 1;
    const { method, url, headers } = asked;
    const onward = request({ host, port, method, path: url, headers }, (answer) => {
      answered.writeHead(answer.statusCode, answer.headers);
      answer.pipe(answered);
    });
    onward.once("error", () => answered.destroy());
    asked.pipe(onward);
  });
  await new Promise((settle) => server.listen(0, "127.0.0.1", settle));
  counter.address = `127.0.0.1:${server.address().port}`;
  return counter;
}
