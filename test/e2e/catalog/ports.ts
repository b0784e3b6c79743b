import { createServer } from "node:net";

/** Below what the kernel gives to outgoing connections (32768 on, ip(7)), so that a port is still free after a restart. */
const [first, last] = [20_000, 32_000];

/** Different ports of 127.0.0.1 that were free just now. */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count) {
    const port = first + Math.floor(Math.random() * (last - first));
    if (!found.includes(port) && (await isFree(port))) found.push(port);
  }
  return found;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
