/** What strangers can do on a peer port: nothing, for a little while. On real sockets. */
import { rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import test from "ava";
import { type Reader, Writer } from "../../core/bytes.ts";
import {
  decodeHandshake,
  encodeHandshake,
  FrameReader,
  type Handshake,
  protocolVersion,
  writeFrame,
} from "../../core/protocol/frame.ts";
import { decodeEnvelope, encodeEnvelope } from "../../core/protocol/message-codec.ts";
import type { JoinAccepted, Message, Removed } from "../../core/protocol/message.ts";
import { eventually, leaderOf, three, withNodes } from "../support/node-process.ts";
import { freePorts } from "../../chaos/world/ports.ts";
import { patient } from "../support/processes.ts";

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
  t.timeout(300_000);
  await withNodes(3, async (nodes) => {
    const [first] = await three(nodes, "--log-level", "info", ...patient);
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
        // In a member's name: as a guest, as a member without the cluster's id, and with a wrong id.
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

/** In this time a joining node dials every URL that it asks. */
const dialledWithinMs = 3_000;

const verdictCodes = { member: 1, guest: 2, removed: 3, "outdated-copy": 4, "lost-entries": 6 } as const;

function outOf({ storeId, incarnation, takesPart }: Handshake): Removed {
  return { kind: "removed", storeId: takesPart ? "" : storeId, incarnation, reason: "removed" };
}

/**
 * Listens as `node`, and gives every dialler that verdict, in the cluster's name where the dialler has told it; to a guest
 * it says `answers`.
 */
function judge(
  node: number,
  verdict: keyof typeof verdictCodes,
  answers: (asker: Handshake) => readonly Message[] = (asker) => [outOf(asker)],
  known: Partial<Handshake> = {},
): Server {
  return createServer((socket) => {
    const frames = new FrameReader();
    let [isUpgraded, isGreeted] = [false, false];
    const onFrame = (body: Reader): void => {
      // The later frames of a guest are its questions.
      if (isGreeted) return;
      isGreeted = true;
      const asker = decodeHandshake(body);
      const ours: Handshake = { ...asker, node, to: asker.node, boot: 9, nonce: 9, url: "", ...known };
      socket.write(frame((writer) => (writer.u8(verdictCodes[verdict]), encodeHandshake(writer, ours))));
      if (verdict !== "guest") return;
      for (const message of answers(asker)) socket.write(said(node, asker.node, message, asker.cluster));
    };
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      if (!isUpgraded)
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: metastore-peer\r\n\r\n");
      const bytes = isUpgraded ? chunk : chunk.subarray(chunk.indexOf("\r\n\r\n") + 4);
      isUpgraded = true;
      frames.receive(bytes, onFrame);
    });
  });
}

test.serial("one that listens where a member is dialled ends no node, and takes no log from one", async (t) => {
  t.timeout(300_000);
  await withNodes(3, async (nodes) => {
    const [first] = await three(nodes, "--log-level", "info", ...patient);
    await first.must("PUT", "/k", "v");
    await nodes.running.get(3)!.stop();
    for (const verdict of ["guest", "removed", "outdated-copy", "lost-entries"] as const) {
      const listener = judge(3, verdict);
      let dialled = 0;
      listener.on("connection", () => (dialled += 1));
      const port = Number(new URL(nodes.urls[2]!).port);
      await new Promise<void>((resolve) => listener.listen(port, "127.0.0.1", resolve));
      await eventually("it was dialled again", () => dialled >= 3);
      await new Promise((resolve) => listener.close(resolve));
    }
    await first.says(/node 3 at .*"removed", and is not believed/);
    for (const id of [1, 2]) t.is(await nodes.running.get(id)!.must("GET", "/k"), "v");
    await nodes.start(3, "--cluster", nodes.list(1, 2, 3), ...patient).ready();
    t.is(await nodes.running.get(3)!.must("GET", "/k"), "v");
  });
});

test.serial(
  "one that listens where a member is dialled neither rebinds nor ends a node that has lost its log",
  async (t) => {
    t.timeout(300_000);
    await withNodes(3, async (nodes) => {
      const list = nodes.list(1, 2, 3);
      const [first, second, third] = await three(nodes, ...patient);
      await first.must("PUT", "/k", "v");
      await Promise.all([second.stop(), third.stop()]);
      rmSync(join(nodes.directory, "metaStore-2", "wal-000000000000.log"));
      const rebound = ({ storeId }: Handshake): Message => {
        const [term, incarnation, genesis, founders] = [1_000, 5, [storeId], [nodes.urls[2]!]];
        return { kind: "join-accepted", storeId, term, incarnation, genesis, founders };
      };
      let dialled = 0;
      const listener = judge(3, "guest", (asker) => {
        dialled += 1;
        return [rebound(asker), outOf(asker)];
      });
      const port = Number(new URL(nodes.urls[2]!).port);
      await new Promise<void>((resolve) => listener.listen(port, "127.0.0.1", resolve));
      const again = nodes.start(2, "--cluster", list, ...patient);
      await again.says(/node 3 says that this node was rebound, and does not know who founded its cluster/);
      await again.says(/node 3 at .*"removed", and is not believed/);
      await eventually("both have dialled it, and again", () => dialled >= 4);
      t.is((await again.status())?.role, "recovering");
      await new Promise((resolve) => listener.close(resolve));
      await nodes.start(3, "--cluster", list, ...patient).ready();
      await again.ready();
      t.is(await again.must("GET", "/k"), "v");
    });
  },
);

const inTheWay = [
  // A founder of another cluster, say: it takes no part in this one, keeps the stream, and says nothing.
  ["waits", "guest", { cluster: "", incarnation: 0, storeId: "", takesPart: false }, "it takes no part in the cluster"],
  // The listener has the cluster's id from the dialler, and cannot know the member's directory.
  [
    "says that it is a member",
    "member",
    { incarnation: 99_999, storeId: "5".repeat(32), boot: 1_000, takesPart: true },
    "it is not known here as that member",
  ],
] as const;
for (const [what, verdict, changes, doubt] of inTheWay) {
  test.serial(`one that ${what} where a member was before it moved does not keep it out`, async (t) => {
    t.timeout(300_000);
    await withNodes(3, async (nodes) => {
      const list = nodes.list(1, 2, 3);
      const [first, , third] = await three(nodes, ...patient);
      await first.must("PUT", "/k", "v");
      await third.stop();
      const listener = judge(3, verdict, () => [], changes);
      let dialled = 0;
      listener.on("connection", () => (dialled += 1));
      const port = Number(new URL(nodes.urls[2]!).port);
      await new Promise<void>((resolve) => listener.listen(port, "127.0.0.1", resolve));
      await eventually("both have dialled it", () => dialled >= 2);
      const [elsewhere] = (await freePorts(1)) as [number];
      const moved = nodes.start(3, "--cluster", list, "--peer-url", `http://127.0.0.1:${elsewhere}`, ...patient);
      await moved.ready();
      t.is(await moved.must("GET", "/k"), "v");
      await first.says(new RegExp(`node 3 at .*: ${doubt}; the peer's other addresses are tried too`));
      listener.close();
    });
  });
}

test.serial(
  "one that says that it is a member where a removed one was does not keep it from being bound",
  async (t) => {
    t.timeout(300_000);
    await withNodes(4, async (nodes) => {
      const [first, , third] = await three(nodes, ...patient);
      await first.must("PUT", "/k", "v");
      await first.must("DELETE", "/3");
      t.is(await third.ended(), 0);
      for (const name of ["metaStore-3", "metaStore-3-snap"]) rmSync(join(nodes.directory, name), { recursive: true });
      const [, verdict, changes] = inTheWay[1];
      const listener = judge(3, verdict, () => [], changes);
      let dialled = 0;
      listener.on("connection", () => (dialled += 1));
      await new Promise<void>((resolve) => listener.listen(Number(new URL(nodes.urls[2]!).port), "127.0.0.1", resolve));
      await first.must("POST", "/3", nodes.urls[3]);
      await eventually("the members' own lists have led both there", () => dialled >= 2);
      nodes.start(3, "--join", "--cluster", nodes.list(1, 2, 3), "--peer-url", nodes.urls[3]!, ...patient);
      await eventually("node 3 votes where it is", async () => (await first.member(3))?.role === "voter");
      listener.close();
    });
  },
);

/** Answers every dialler's questions with `message`, as `node` of `cluster`; the store id in it is the asker's. */
function impostor(node: number, to: number, message: JoinAccepted | Removed): Server {
  return createServer((socket) => {
    const frames = new FrameReader();
    let state: "request" | "handshake" | "questions" = "request";
    const onFrame = (body: Reader): void => {
      if (state === "handshake") {
        state = "questions";
        const guest = 2;
        const ours = strangersHandshake(node, to);
        return void socket.write(frame((writer) => (writer.u8(guest), encodeHandshake(writer, ours))));
      }
      const question = decodeEnvelope(body).message;
      const storeId = question.kind === "join-request" ? question.storeId : "";
      socket.write(said(node, to, { ...message, storeId }, cluster));
    };
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      let bytes = chunk;
      if (state === "request") {
        state = "handshake";
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: metastore-peer\r\n\r\n");
        bytes = chunk.subarray(chunk.indexOf("\r\n\r\n") + 4);
      }
      frames.receive(bytes, onFrame);
    });
  });
}

test.serial(
  "nobody who dials a joining node takes it into a cluster, or ends it: its --cluster list does",
  async (t) => {
    t.timeout(120_000);
    await withNodes(2, async (nodes) => {
      const removed: Removed = { kind: "removed", storeId: "", incarnation: 0, reason: "another-directory" };
      const accepted: Omit<JoinAccepted, "founders"> = {
        kind: "join-accepted",
        storeId: "",
        term: 1_000,
        incarnation: 5,
        genesis: ["a".repeat(32)],
      };
      const joining = nodes.start(2, "--join", "--cluster", nodes.list(1, 2));
      await joining.says(/nobody listens there/);
      for (const kind of ["removed", "join-accepted"] as const) {
        const [trapPort] = (await freePorts(1)) as [number];
        const url = `http://127.0.0.1:${trapPort}`;
        const trap = impostor(7, 2, kind === "removed" ? removed : { ...accepted, founders: [url] });
        await new Promise<void>((resolve) => trap.listen(trapPort, "127.0.0.1", resolve));
        const hello = strangersHandshake(7, 2, { takesPart: true, cluster, url });
        const port = Number(new URL(nodes.urls[1]!).port);
        let asked = 0;
        trap.on("connection", () => (asked += 1));
        const dialler = stranger(
          port,
          frame((writer) => encodeHandshake(writer, hello)),
        );
        // The places of its list are asked several times meanwhile.
        await new Promise((resolve) => setTimeout(resolve, dialledWithinMs));
        dialler.destroy();
        trap.close();
        t.is(asked, 0, "what a stranger says of itself is no place to ask");
      }
      t.is((await joining.status())?.role, "joining");
      // It is still free to join the cluster that its operator means.
      const founder = nodes.start(1, "--cluster", nodes.list(1));
      await founder.ready();
      await founder.must("POST", "/2", nodes.urls[1]);
      await joining.ready();
    });
  },
);

test.serial("a peer that comes and goes leaves no descriptor behind", async (t) => {
  t.timeout(300_000);
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
