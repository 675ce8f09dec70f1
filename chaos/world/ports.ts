/** Free ports for processes that must be told theirs before they listen. */
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections, which would take one before its process listens. */
const portRange = { first: 14_000, count: 8_500 };

let drawn = process.pid * 131;

/** Ports on which nothing listens now; none is given twice by one process before all others were. */
export async function freePorts(count: number): Promise<number[]> {
  const free: number[] = [];
  while (free.length < count) {
    drawn += 1;
    const port = portRange.first + (drawn % portRange.count);
    if (await isFree(port)) free.push(port);
  }
  return free;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
