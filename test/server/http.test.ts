/** A real node as clients see it through sockets: order, half-closed clients, probes, bodies too large, descriptors. */
import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { freePorts } from "../../chaos/world/ports.ts";
import { freshDirectory, get, ProcessCluster } from "../support/processes.ts";
import { exchange, RawClient } from "../support/raw-http.ts";

function request(method: string, path: string, body = ""): string {
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

test.serial("a node answers pipelined, half-closed, old and broken clients as each deserves", async (t) => {
  const cluster = await ProcessCluster.start(1);
  const port = cluster.ports[0]!;
  try {
    for (let k = 0; k < 30; k++) {
      const pair = request("PUT", `/k${k}`, "v") + request("GET", `/k${k}`) + request("DELETE", `/k${k}`);
      const answers = await exchange(port, pair);
      t.deepEqual(
        answers.map(({ status }) => status),
        [204, 200, 204],
      );
      t.is(await get(cluster, 1, `k${k}`), null);
    }
    t.is((await exchange(port, request("PUT", "/half", "v")))[0]!.status, 204);
    t.is(await get(cluster, 1, "half"), "v");
    const probe = await exchange(port, "GET /livez HTTP/1.0\r\n\r\n");
    t.is(probe[0]!.status, 200);
    const [broken] = await exchange(port, "DELETE /half\r\n\r\n");
    t.is(broken!.status, 400);
    t.true(Number(broken!.headers.get("metastore-revision")) > 0);
    t.is(await get(cluster, 1, "half"), "v");
    const [badHost] = await exchange(port, "GET /k HTTP/1.1\r\nHost: a b\r\n\r\n");
    t.is(badHost!.status, 400);
    t.is(badHost!.headers.get("content-type"), "application/problem+json");
    const bytes = 20_000_000;
    for (let k = 0; k < 4; k++) {
      const client = new RawClient(port);
      client.socket.pause();
      client.send(`PUT /big HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`);
      await new Promise<void>((resolve, reject) => {
        client.socket.write(Buffer.alloc(bytes), (error) => (error ? reject(error) : resolve()));
      });
      client.socket.resume();
      t.is((await client.take(1))[0]!.status, 413);
      client.socket.destroy();
    }
  } finally {
    await cluster.stop();
  }
});

test.serial("a node that is told to stop answers what it has, with Connection: close, and ends", async (t) => {
  const cluster = await ProcessCluster.start(3);
  try {
    const port = cluster.ports[0]!;
    await cluster.end(2, "SIGKILL");
    await cluster.end(3, "SIGKILL");
    const idle = new RawClient(port);
    idle.send(request("GET", "/livez"));
    await idle.take(1);
    // Without a majority it waits until the request time.
    const pending = new RawClient(port);
    pending.send(request("PUT", "/k", "v"));
    for (;;) {
      const { waitingRequests } = (await (await fetch(`${cluster.url(1)}/v1/status`)).json()) as {
        waitingRequests: number;
      };
      if (waitingRequests > 0) break;
    }
    const code = cluster.end(1, "SIGTERM");
    t.is((await idle.answers()).length, 1);
    const [answer] = await pending.answers();
    t.true([503, 504].includes(answer!.status), String(answer!.status));
    t.is(answer!.headers.get("connection"), "close");
    t.is(await code, 0);
  } finally {
    await cluster.stop();
  }
});

/** A node alone, whose process may have `limit` descriptors, and a snapshot after each five writes; ready. */
async function limitedNode(t: ExecutionContext, limit: number) {
  const directory = freshDirectory();
  const [peerPort, port] = await freePorts(2);
  const args = ["--cluster", `http://127.0.0.1:${peerPort}`, "--port", `${port}`, "--data-dir", directory];
  const server = join(process.cwd(), "dist/server/main.js");
  const flags = ["--snapshot-entries", "5", "--log-level", "silent"];
  const limited = `ulimit -n ${limit}; exec "$0" "$@"`;
  const child = spawn("bash", ["-c", limited, process.execPath, server, ...args, ...flags], { stdio: "inherit" });
  t.teardown(async () => {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    if (child.kill("SIGKILL")) await gone;
    rmSync(directory, { recursive: true });
  });
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    t.is(child.exitCode, null);
    await pass(20);
  }
  return { child, port: port!, snapshots: join(directory, "metaStore-1-snap") };
}

test.serial("clients cannot take the descriptors that the node needs for its files", async (t) => {
  // Above what its start needs: it opens all its modules at once.
  const limit = 512;
  const { child, port, snapshots } = await limitedNode(t, limit);
  const clients: RawClient[] = [];
  const lingering: RawClient[] = [];
  t.teardown(() => [...clients, ...lingering].forEach(({ socket }) => socket.destroy()));
  /** Whether a new client is served; it stays. A refused one stays too, for a while. */
  const connect = async (): Promise<boolean> => {
    const client = new RawClient(port);
    client.send(request("GET", "/livez"));
    const [answer] = await client.take(1).catch(() => []);
    const isServed = answer?.status === 200;
    (isServed ? clients : lingering).push(client);
    if (lingering.length > 30) lingering.shift()!.socket.destroy();
    return isServed;
  };
  const writer = new RawClient(port);
  clients.push(writer);
  writer.send(request("PUT", "/first", "v"));
  await writer.take(1);
  let refused = 0;
  for (let k = 0; k < limit + 100; k++) if (!(await connect())) refused += 1;
  t.true(refused > 100, `${refused} refused`);
  t.true(clients.length > 100, `${clients.length} connected`);
  // Refused clients, however many come, cost no served client its connection; the node counts again each second.
  for (const until = performance.now() + 3_500; performance.now() < until; await pass(5)) await connect();
  t.is(clients.filter(({ socket }) => socket.readableEnded).length, 0, "closed by the node");
  // Each five of them make a snapshot, which needs files.
  for (let k = 0; k < 40; k++) writer.send(request("PUT", `/k${k}`, "v"));
  const answers = await writer.take(41);
  t.true(answers.every(({ status }) => status === 204));
  while (readdirSync(snapshots).length === 0) await pass(20);
  t.is(child.exitCode, null);
});

test.serial("of few descriptors, refused clients that do not go take none that the node needs", async (t) => {
  const limit = 80;
  const { child, port } = await limitedNode(t, limit);
  const clients = Array.from({ length: 2 * limit }, () => new RawClient(port));
  // Each is in the middle of its request, and goes on for ever.
  const drip = setInterval(() => {
    for (const client of clients) client.send("X: y\r\n");
  }, 500);
  t.teardown(() => {
    clearInterval(drip);
    for (const { socket } of clients) socket.destroy();
  });
  for (const client of clients) client.send("GET /livez HTTP/1.1\r\nHost: n\r\n");
  await pass(1_000);
  const open: number[] = [];
  for (let k = 0; k < 20; k++) {
    open.push(readdirSync(`/proc/${child.pid}/fd`).length);
    await pass(200);
  }
  const most = Math.max(...open.slice(-5));
  t.true(most <= limit - 8, `${most} are open`);
  t.is(child.exitCode, null);
});
