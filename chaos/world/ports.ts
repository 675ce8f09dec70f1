/** Free ports for processes that must be told theirs before they listen. */
import { createServer, type Server } from "node:net";

/** Below the ports that systems give to outgoing connections, which would take one before its process listens. */
const blocks = { firstPort: 14_000, count: 60, ports: 300 };

/** The first port of this process's block; null: no port was asked for yet. */
let block: Promise<number> | null = null;
let drawn = 0;

/**
 * `count` ports on which nothing listens now. A process draws from a block of its own, which it holds by listening on the
 * block's first port as long as it lives: no other process draws between the moment at which a port is found free and the
 * one at which who was told it listens. None is drawn twice before all others of the block were.
 * Rejects where every block is held, or too few ports of it are free.
 */
export async function freePorts(count: number): Promise<number[]> {
  block ??= holdBlock();
  const first = await block;
  const free: number[] = [];
  for (let tries = 0; free.length < count; tries++) {
    if (tries === 2 * blocks.ports) throw new Error(`of ${blocks.ports} ports from ${first} on no ${count} are free`);
    drawn += 1;
    const port = first + 1 + (drawn % (blocks.ports - 1));
    const server = await listening(port);
    if (server === null) continue;
    await new Promise((resolve) => server.close(resolve));
    free.push(port);
  }
  return free;
}

async function holdBlock(): Promise<number> {
  for (let k = 0; k < blocks.count; k++) {
    const first = blocks.firstPort + ((process.pid + k) % blocks.count) * blocks.ports;
    const server = await listening(first);
    if (server === null) continue;
    server.unref();
    return first;
  }
  throw new Error(`all ${blocks.count} blocks of ports from ${blocks.firstPort} on are held by other processes`);
}

/** A server on `port`; null: somebody listens there. */
function listening(port: number): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.once("error", () => resolve(null));
    server.listen(port, () => resolve(server));
  });
}
