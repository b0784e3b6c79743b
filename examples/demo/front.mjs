// A small load balancer, as nginx would be one: reads its configuration at the start and at HUP, then takes turns.
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";

let upstreams = [];
let turn = 0;

function configure() {
  upstreams = JSON.parse(readFileSync("/run/front.json", "utf8"));
  process.stdout.write(`upstreams: ${upstreams.map(({ id }) => id).join(" ") || "none"}\n`);
}

const server = createServer((from, answer) => {
  if (upstreams.length === 0) return answer.writeHead(503).end("no upstream\n");
  const { address: host, port } = upstreams[turn++ % upstreams.length];
  const onward = request(
    { host, port, path: from.url, method: from.method, headers: from.headers, agent: false },
    (given) => {
      answer.writeHead(given.statusCode, given.headers);
      given.pipe(answer);
    },
  );
  onward.on("error", () => answer.writeHead(502).end("upstream gone\n"));
  return from.pipe(onward);
});

configure();
process.on("SIGHUP", configure);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
writeFileSync("/run/front.pid", String(process.pid));
server.listen("/srv/front/socket");
