// A small web app: says who it is. Stops by finishing what it is answering.
import { createServer } from "node:http";
import { hostname } from "node:os";

const server = createServer((request, response) =>
  response.end(request.url === "/health" ? "ok\n" : `${hostname()}\n`),
);
server.listen(Number(process.env.PORT), "127.0.0.1", () => process.stdout.write("listening\n"));

process.on("SIGTERM", () => {
  process.stdout.write("finishing\n");
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
