// The hook: writes the front's configuration from the catalog and has it read again. As preStart it writes the first one.
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";

const catalog = "/run/containerpilot/catalog";
const instances = readdirSync(catalog)
  .filter((name) => name.endsWith(".json") && !name.startsWith("."))
  .flatMap((name) => {
    try {
      const path = `${catalog}/${name}`;
      const entry = JSON.parse(readFileSync(path, "utf8"));
      const lives = statSync(path).mtimeMs + entry.ttlMs > Date.now();
      return entry.name === "web" && entry.status === "passing" && lives ? [entry] : [];
    } catch {
      return []; // Gone since it was listed.
    }
  })
  .sort((a, b) => (a.id < b.id ? -1 : 1));

writeFileSync("/run/front.json.new", JSON.stringify(instances.map(({ id, address, port }) => ({ id, address, port }))));
renameSync("/run/front.json.new", "/run/front.json");
try {
  process.kill(Number(readFileSync("/run/front.pid", "utf8")), "SIGHUP");
} catch (error) {
  if (error.code !== "ENOENT") throw error; // preStart: no front yet.
}
