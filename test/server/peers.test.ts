/** Where members are, who says so, and who may speak at all: on real processes and sockets. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import test from "ava";
import { Writer } from "../../core/bytes.ts";
import type { Message } from "../../core/raft/messages.ts";
import { encodeHandshake, type Handshake, protocolVersion, writeFrame } from "../../core/wire/frame.ts";
import { encodeEnvelope } from "../../core/wire/message-codec.ts";
import { eventually, NodeProcess } from "../support/node-process.ts";
import { freePorts, freshDirectory } from "../support/processes.ts";

/** Nodes with one directory, each with a client and a peer port; `spare` peer ports besides. */
class Nodes {
  readonly directory = freshDirectory();
  readonly ports: readonly number[];
  readonly urls: readonly string[];
  readonly running = new Map<number, NodeProcess>();

  constructor(ports: readonly number[], urls: readonly string[]) {
    this.ports = ports;
    this.urls = urls;
  }

  start(id: number, ...args: readonly string[]): NodeProcess {
    const node = new NodeProcess(id, this.ports[id - 1]!, ["--data-dir", this.directory, ...args]);
    this.running.set(id, node);
    return node;
  }

  list(...indexes: readonly number[]): string {
    return indexes.map((k) => this.urls[k - 1]!).join(",");
  }

  async close(): Promise<void> {
    await Promise.all([...this.running.values()].map((node) => node.stop()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function withNodes(count: number, use: (nodes: Nodes) => Promise<void>): Promise<void> {
  const ports = await freePorts(2 * count);
  const urls = ports.slice(count).map((port) => `http://127.0.0.1:${port}`);
  const nodes = new Nodes(ports.slice(0, count), urls);
  try {
    await use(nodes);
  } finally {
    await nodes.close();
  }
}

async function three(
  nodes: Nodes,
  ...args: readonly string[]
): Promise<readonly [NodeProcess, NodeProcess, NodeProcess]> {
  const started = [1, 2, 3].map((id) => nodes.start(id, "--cluster", nodes.list(1, 2, 3), ...args));
  await Promise.all(started.map((node) => node.ready()));
  return started as [NodeProcess, NodeProcess, NodeProcess];
}

async function leaderOf(node: NodeProcess): Promise<number> {
  let leader = 0;
  await eventually("a leader", async () => {
    leader = (await node.status())?.leader ?? 0;
    return leader !== 0;
  });
  return leader;
}

test.serial("a cluster whose addresses have all changed finds itself again by --cluster", async (t) => {
  t.timeout(120_000);
  await withNodes(6, async (nodes) => {
    const old = await three(nodes);
    await old[0].must("PUT", "/k", "v");
    for (const node of old) await node.stop("SIGTERM");
    const moved = [1, 2, 3].map((id) => nodes.start(id, "--cluster", nodes.list(4, 5, 6)));
    await Promise.all(moved.map((node) => node.ready()));
    t.is(await moved[0]!.must("GET", "/k"), "v");
    // It was only asked there: the configuration is the operator's.
    t.is((await moved[0]!.member(2))?.url, nodes.urls[1]);
  });
});

test.serial("a member that is started with another --peer-url has the configuration changed", async (t) => {
  t.timeout(120_000);
  await withNodes(4, async (nodes) => {
    const [, second] = await three(nodes);
    const before = await second.member(2);
    await second.stop("SIGTERM");
    const moved = nodes.start(2, "--cluster", nodes.list(1, 2, 3), "--peer-url", nodes.urls[3]!);
    await moved.ready();
    for (const id of [1, 2, 3]) {
      await eventually(`node ${id} knows the new URL`, async () => {
        return (await nodes.running.get(id)!.member(2))?.url === nodes.urls[3];
      });
    }
    t.like(await moved.member(2), { incarnation: before!.incarnation, role: "voter" });
    // The others find it there from the configuration alone.
    for (const id of [1, 3]) {
      await nodes.running.get(id)!.stop();
      nodes.start(id, "--cluster", nodes.list(1, 2, 3));
    }
    await Promise.all([1, 3].map((id) => nodes.running.get(id)!.ready()));
    await eventually("node 2 has it all", async () => (await moved.request("GET", "/readyz")).status === 200);
    t.is(await moved.must("PUT", "/k", "v"), "");
  });
});

test.serial("POST /v1/members/{id} changes a member's URL, POST /{id} does not", async (t) => {
  t.timeout(120_000);
  await withNodes(4, async (nodes) => {
    const [first, second] = await three(nodes);
    t.is((await first.request("POST", "/2", nodes.urls[3])).status, 409);
    t.is((await first.request("POST", "/v1/members/2", nodes.urls[2])).status, 409, "another member's");
    await second.stop("SIGTERM");
    await first.must("POST", "/v1/members/2", nodes.urls[3]);
    t.is((await first.member(2))?.url, nodes.urls[3]);
    const moved = nodes.start(2, "--cluster", [nodes.urls[0], nodes.urls[3], nodes.urls[2]].join(","));
    await moved.ready();
    t.like(await moved.member(2), { url: nodes.urls[3], incarnation: 0, role: "voter" });
  });
});

test.serial(
  "an id that was removed and added again at another URL is reached there, also after a mistyped one",
  async (t) => {
    t.timeout(120_000);
    await withNodes(4, async (nodes) => {
      const [first, , third] = await three(nodes);
      await first.must("PUT", "/k", "v");
      await first.must("DELETE", "/3");
      t.is(await third.ended(), 0);
      rmSync(join(nodes.directory, "metaStore-3"), { recursive: true });
      rmSync(join(nodes.directory, "metaStore-3-snap"), { recursive: true });
      // Nobody listens there.
      const mistyped = "http://127.0.0.1:1";
      await first.must("POST", "/3", mistyped);
      const joined = nodes.start(3, "--join", "--cluster", nodes.list(1, 2, 3), "--peer-url", nodes.urls[3]!);
      await eventually(
        "node 3 votes though its URL was mistyped",
        async () => (await first.member(3))?.role === "voter",
      );
      t.is((await first.member(3))?.url, mistyped);
      await first.must("DELETE", "/3");
      t.is(await joined.ended(), 0);
      rmSync(join(nodes.directory, "metaStore-3"), { recursive: true });
      rmSync(join(nodes.directory, "metaStore-3-snap"), { recursive: true });
      await first.must("POST", "/3", nodes.urls[3]!);
      // Its list still says its old place; the operator has said where it is.
      const again = nodes.start(3, "--join", "--cluster", nodes.list(1, 2, 3), "--peer-url", nodes.urls[3]!);
      await eventually("node 3 votes again", async () => (await first.member(3))?.role === "voter");
      t.is((await first.member(3))?.url, nodes.urls[3]);
      t.is(await again.must("GET", "/k"), "v");
    });
  },
);

test.serial(
  "a node that is started by mistake against another cluster ends or waits, and disturbs nobody there",
  async (t) => {
    t.timeout(120_000);
    await withNodes(4, async (nodes) => {
      const [first] = await three(nodes);
      const leader = nodes.running.get(await leaderOf(first))!;
      const { term } = (await leader.status())!;
      for (const name of ["elsewhere", "lost"]) mkdirSync(join(nodes.directory, name));
      const elsewhere = new NodeProcess(2, nodes.ports[3]!, [
        ...["--data-dir", join(nodes.directory, "elsewhere"), "--join", "--cluster", nodes.list(1, 2, 3)],
        ...["--peer-url", nodes.urls[3]!],
      ]);
      try {
        t.is(await elsewhere.ended(), 1);
        t.regex(elsewhere.stderr, /another directory is bound as node 2: remove 2, then add it again/);
      } finally {
        await elsewhere.stop();
      }
      // A founder of its own, whose list names a member of this cluster.
      const lost = new NodeProcess(2, nodes.ports[3]!, [
        ...["--data-dir", join(nodes.directory, "lost"), "--cluster", `${nodes.urls[0]},${nodes.urls[3]}`],
      ]);
      try {
        await lost.says(/node 1 was started with another --cluster list/);
        await leader.must("PUT", "/k", "v");
        t.like(await leader.status(), { term, role: "leader" });
      } finally {
        await lost.stop();
      }
    });
  },
);

test.serial("a member whose directory was put back from an older copy is told so, and is rebuilt", async (t) => {
  t.timeout(120_000);
  await withNodes(3, async (nodes) => {
    const [first] = await three(nodes);
    const id = ((await leaderOf(first)) % 3) + 1;
    const others = [1, 2, 3].filter((one) => one !== id).map((one) => nodes.running.get(one)!);
    const directory = join(nodes.directory, `metaStore-${id}`);
    const copy = join(nodes.directory, "copy");
    await others[0]!.must("PUT", "/early", "1");
    await nodes.running.get(id)!.stop("SIGTERM");
    cpSync(directory, copy, { recursive: true });
    const restart = (): NodeProcess => nodes.start(id, "--cluster", nodes.list(1, 2, 3));
    await restart().ready();
    await others[0]!.must("PUT", "/late", "2");
    await nodes.running.get(id)!.stop("SIGTERM");
    rmSync(directory, { recursive: true });
    cpSync(copy, directory, { recursive: true });
    const restored = restart();
    await restored.says(/this directory was put back from an older copy: .*its log is set aside/);
    await Promise.any(others.map((node) => node.says(/was started from an older copy of its directory/)));
    t.is(await restored.must("GET", "/late"), "2");
    t.is(await restored.must("GET", "/early"), "1");
    await eventually("it votes again, as somebody else", async () => {
      const member = await others[0]!.member(id);
      return member?.role === "voter" && member.incarnation > 0;
    });
    // It is a directory like any other now.
    await restored.stop("SIGTERM");
    await restart().ready();
    t.is(await nodes.running.get(id)!.must("GET", "/late"), "2");
    t.notRegex(nodes.running.get(id)!.stderr, /older copy/);
  });
});

test.serial("two copies of one directory at work at once: one of them remains, and the cluster goes on", async (t) => {
  t.timeout(120_000);
  await withNodes(4, async (nodes) => {
    const [first, second] = await three(nodes);
    await first.must("PUT", "/k", "v");
    await nodes.running.get(3)!.stop("SIGTERM");
    const elsewhere = join(nodes.directory, "elsewhere");
    cpSync(join(nodes.directory, "metaStore-3"), join(elsewhere, "metaStore-3"), { recursive: true });
    const one = nodes.start(3, "--cluster", nodes.list(1, 2, 3));
    await one.ready();
    const other = new NodeProcess(3, nodes.ports[3]!, ["--data-dir", elsewhere, "--cluster", nodes.list(1, 2, 4)]);
    try {
      await eventually("one of them has ended", () => one.hasEnded || other.hasEnded);
      const left = one.hasEnded ? other : one;
      await left.ready();
      t.is(await left.must("GET", "/k"), "v");
      await eventually("it votes", async () => (await first.member(3))?.role === "voter");
      await second.must("PUT", "/k", "w");
      t.is(await left.must("GET", "/k"), "w");
    } finally {
      await other.stop();
    }
  });
});

test.serial("of two members none can be rebuilt: one from an older copy ends with a line", async (t) => {
  t.timeout(120_000);
  await withNodes(2, async (nodes) => {
    const start = (id: number): NodeProcess => nodes.start(id, "--cluster", nodes.list(1, 2));
    await Promise.all([1, 2].map((id) => start(id).ready()));
    const directory = join(nodes.directory, "metaStore-2");
    const copy = join(nodes.directory, "copy");
    await nodes.running.get(2)!.stop("SIGTERM");
    cpSync(directory, copy, { recursive: true });
    await start(2).ready();
    await nodes.running.get(2)!.stop("SIGTERM");
    rmSync(directory, { recursive: true });
    cpSync(copy, directory, { recursive: true });
    const restored = start(2);
    t.is(await restored.ended(), 1);
    t.regex(restored.stderr, /metaStore: this directory was put back from an older copy: .*put back the newest copy\n/);
  });
});

test.serial("peers share a secret: whoever does not know it is refused, and both sides say so", async (t) => {
  t.timeout(120_000);
  await withNodes(3, async (nodes) => {
    const file = (name: string, text: string): string => {
      const path = join(nodes.directory, name);
      writeFileSync(path, text);
      return path;
    };
    const right = file("right", "a secret of some length\n");
    const wrong = file("wrong", "another secret of some length\n");
    const [first, second, third] = await three(nodes, "--peer-secret-file", right);
    await first.must("PUT", "/k", "v");
    const cluster = nodes.list(1, 2, 3);
    for (const [args, own, theirs] of [
      [["--peer-secret-file", wrong], /it does not know the secret/, /it does not know the secret/],
      [[], /it wants the secret that its peers share/, /it offers no proof of the secret|it does not know the secret/],
    ] as const) {
      await nodes.running.get(3)!.stop("SIGTERM");
      const refused = nodes.start(3, "--cluster", cluster, ...args);
      await refused.says(own);
      await Promise.any([first, second].map((node) => node.says(theirs)));
      t.is((await refused.status())?.leader, 0);
    }
    await nodes.running.get(3)!.stop("SIGTERM");
    await nodes.start(3, "--cluster", cluster, "--peer-secret-file", right).ready();
    t.is(await nodes.running.get(3)!.must("GET", "/k"), "v");
    t.true(third.stderr.length > 0);
    for (const [path, words] of [
      [join(nodes.directory, "nothing"), /--peer-secret-file .*nothing cannot be read/],
      [file("short", "abc\n"), /--peer-secret-file .*short must hold 16 to 4096 bytes, not 3/],
    ] as const) {
      const bad = new NodeProcess(1, 0, ["--data-dir", join(nodes.directory, "bad"), "--peer-secret-file", path]);
      t.is(await bad.ended(), 2);
      t.regex(bad.stderr, words);
    }
  });
});

// --- strangers

const cluster = "c".repeat(32);

function strangersHandshake(node: number, to: number, changes: Partial<Handshake> = {}): Handshake {
  const [versionMin, versionMax] = [protocolVersion, protocolVersion];
  const known = { cluster: "", node, incarnation: 0, boot: 1, nonce: 1, storeId: "a".repeat(32), takesPart: false, to };
  return { versionMin, versionMax, ...known, url: "", ...changes };
}

function frame(write: (writer: Writer) => void): Buffer {
  const writer = new Writer();
  writeFrame(writer, () => write(writer));
  return Buffer.from(writer.bytes());
}

function said(from: number, to: number, message: Message, name = ""): Buffer {
  const known = { cluster: name, from, fromIncarnation: 0, fromBoot: 1, to, toIncarnation: 0, message };
  return frame((writer) => encodeEnvelope(writer, known));
}

/** A connection to a peer port that has been upgraded, and sends `bytes`. */
function stranger(port: number, ...bytes: readonly Uint8Array[]): Socket {
  const socket = connect(port, "127.0.0.1", () => {
    socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: metastore-peer\r\n\r\n");
    for (const one of bytes) socket.write(one);
  });
  socket.on("error", () => undefined);
  socket.resume();
  return socket;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.closed ? resolve() : void socket.once("close", () => resolve())));
}

test.serial("strangers change nothing in any node, and what they took comes back", async (t) => {
  t.timeout(180_000);
  await withNodes(3, async (nodes) => {
    const [first] = await three(nodes, "--log-level", "info");
    await first.must("PUT", "/k", "v");
    const leader = await leaderOf(first);
    const { term } = (await first.status())!;
    const target = nodes.running.get(leader)!;
    const port = Number(new URL(nodes.urls[leader - 1]!).port);
    const other = (leader % 3) + 1;
    const descriptors = target.descriptors;
    let dialled = 0;
    const [trapPort] = (await freePorts(1)) as [number];
    const trap = createServer((socket) => {
      dialled += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => trap.listen(trapPort, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${trapPort}`;
    const hello = (node: number, changes: Partial<Handshake> = {}): Buffer =>
      frame((writer) => encodeHandshake(writer, strangersHandshake(node, leader, { url, ...changes })));
    const removed: Message = { kind: "removed", storeId: "", incarnation: 0, reason: "removed" };
    const huge = Buffer.alloc(8);
    huge.writeUInt32LE(32 * 1024 * 1024);
    try {
      const sockets: Socket[] = [];
      for (let round = 0; round < 10; round++) {
        const own: Socket[] = [];
        for (let k = 0; k < 100; k++) {
          const id = 100 + round * 100 + k;
          own.push(
            stranger(
              port,
              hello(id),
              said(id, leader, { kind: "join-request", storeId: "a".repeat(32), incarnation: 0, lost: "" }),
            ),
          );
        }
        // A member's name, with no proof of the cluster, with a wrong one, and with none at all.
        own.push(stranger(port, hello(other), said(other, leader, removed)));
        own.push(stranger(port, hello(other, { takesPart: true }), said(other, leader, removed)));
        own.push(stranger(port, hello(other, { takesPart: true, cluster }), said(other, leader, removed, cluster)));
        own.push(stranger(port, hello(other), said(other, leader, { kind: "timeout-now", term: term + 100 })));
        own.push(
          stranger(
            port,
            hello(other),
            said(other, leader, { kind: "vote", term: term + 100, lastIndex: 9e9, lastTerm: 9e9, transfer: true }),
          ),
        );
        own.push(stranger(port, huge), stranger(port, hello(other), huge), stranger(port, Buffer.alloc(100_000, 7)));
        // Never finished: bytes of a request, of a frame, or none.
        own.push(stranger(port, hello(other).subarray(0, 20)), connect(port, "127.0.0.1"));
        const slow = connect(port, "127.0.0.1", () => slow.write("GET / HTTP/1.1\r\nX: "));
        own.push(slow);
        for (const socket of own) socket.on("error", () => undefined).resume();
        sockets.push(...own);
        t.is((await target.request("PUT", `/round-${round}`, "v")).status, 204);
      }
      t.true(target.descriptors < descriptors + 100, `${descriptors} descriptors became ${target.descriptors}`);
      await Promise.all(sockets.map(closed));
      await eventually("the descriptors are back", () => target.descriptors <= descriptors + 2);
      t.is(dialled, 0);
      t.like(await target.status(), { term, role: "leader" });
      for (const id of [1, 2, 3]) t.is(await nodes.running.get(id)!.must("GET", "/k"), "v");
    } finally {
      trap.close();
    }
  });
});

test.serial("a peer that comes and goes leaves no descriptor behind", async (t) => {
  t.timeout(180_000);
  await withNodes(3, async (nodes) => {
    const [first, , third] = await three(nodes);
    await third.stop();
    const without = first.descriptors;
    for (let k = 0; k < 5; k++) {
      const again = nodes.start(3, "--cluster", nodes.list(1, 2, 3));
      await again.ready();
      await again.stop(k % 2 === 0 ? "SIGKILL" : "SIGTERM");
    }
    await eventually("as many as before", () => first.descriptors <= without);
    t.pass();
  });
});
