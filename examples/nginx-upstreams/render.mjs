// Writes the upstreams that nginx serves: the passing instances of `backend`, as the catalog has them now.
import { renameSync, writeFileSync } from "node:fs";

const { CONSUL = "localhost:8500", PORT = "80" } = process.env;
const answer = await fetch(`http://${CONSUL}/v1/health/service/backend?passing=1`, {
  signal: AbortSignal.timeout(5000),
});
if (!answer.ok) throw new Error(`Consul answered ${answer.status}`);
const servers = (await answer.json()).map(({ Service }) => `  server ${Service.Address}:${Service.Port};\n`).sort();
// nginx refuses an upstream without a server.
const none = "  server 127.0.0.1:1 down;\n";

write("upstreams.conf", `upstream backend {\n${servers.join("") || none}}\n`);
write("listen.conf", `listen ${PORT};\n`);

/** As a whole or not at all: nginx may read it at any time. */
function write(file, text) {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
