// Answers "ok", until TERM.
import { createServer } from "node:http";

const server = createServer((_, answer) => answer.end("ok\n")).listen(8000);
process.once("SIGTERM", () => server.close(() => process.exit(0)));
