// A backend: says its name. On TERM it finishes what it has begun and ends.
import { createServer } from "node:http";
import { hostname } from "node:os";

const server = createServer((_, response) => response.end(`${hostname()}\n`));
server.listen(Number(process.env.PORT ?? 8080), () => console.log("listening"));
process.once("SIGTERM", () => server.close(() => process.exit(0)));
