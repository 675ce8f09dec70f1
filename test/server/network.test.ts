/** Sockets between peers, real ones, through a relay that can go silent without closing anything. */
import { connect, createServer, type Server, type Socket } from "node:net";
import test from "ava";
import { Writer } from "../../core/bytes.ts";
import { encodeHandshake, type Handshake, protocolVersion, writeFrame } from "../../core/protocol/frame.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import { passed } from "../../core/result.ts";
import { MachineNetwork } from "../../server/network.ts";
import { PeerSecret } from "../../server/peer-secret.ts";
import { freePorts } from "../../chaos/world/ports.ts";

/** Passes bytes on to `port`; `freeze` leaves all connections of now open and mute, for ever. */
class Relay {
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #server: Server;

  constructor(from: number, to: number) {
    this.#server = createServer((near) => {
      const far = connect(to, "127.0.0.1");
      this.#pairs.add([near, far]);
      for (const socket of [near, far]) socket.on("error", () => undefined);
      near.pipe(far);
      far.pipe(near);
    }).listen(from, "127.0.0.1");
  }

  freeze(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far).pause();
      far.unpipe(near).pause();
    }
  }

  close(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    this.#server.close();
  }
}

const cluster = "c".repeat(32);

function envelope(from: number, to: number): Envelope {
  const message = { kind: "timeout-now", term: 1 } as const;
  return { cluster, from, fromIncarnation: 0, fromBoot: 1, to, toIncarnation: 0, message };
}

function handshakeOf(node: number, to: number): Handshake {
  const [versionMin, versionMax] = [protocolVersion, protocolVersion];
  const known = { cluster, node, incarnation: 0, boot: 1, nonce: 1, storeId: "a".repeat(32), takesPart: true, to };
  return { versionMin, versionMax, ...known, url: "" };
}

/** A node's network that takes every handshake; `greeted` counts them. */
async function listening(
  secret: PeerSecret | null,
): Promise<{ network: MachineNetwork; port: number; greeted: number[] }> {
  const [port] = (await freePorts(1)) as [number];
  const network = new MachineNetwork(() => undefined, secret);
  const greeted: number[] = [];
  network.carry({
    receive: () => undefined,
    handshake: (to) => handshakeOf(1, to),
    checkHandshake: (theirs) => {
      greeted.push(theirs.node);
      return { kind: "member", ours: handshakeOf(1, theirs.node) };
    },
    checkListener: () => passed,
    isBound: () => true,
    isDoubtful: () => false,
    onVerdict: () => undefined,
  });
  await network.listen("127.0.0.1", port);
  return { network, port, greeted };
}

function greeting(): Buffer {
  const writer = new Writer();
  writeFrame(writer, () => encodeHandshake(writer, handshakeOf(2, 1)));
  return Buffer.from(writer.bytes());
}

/** Dials, says `bytes` after the upgrade, and resolves to what came when the listener has ended the stream. */
function dial(port: number, headers: string, bytes: Buffer, endsItself: boolean): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => {
      socket.write(`GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: metastore-peer\r\n${headers}\r\n`);
      socket.write(bytes);
    });
    let came = "";
    socket.on("data", (chunk) => {
      came += chunk.toString("latin1");
      if (endsItself) socket.end();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(came));
    socket.on("end", () => socket.end());
  });
}

test.serial("a peer that ends its stream gets its end back: no descriptor is left half open", async (t) => {
  t.timeout(120_000);
  const { network, port, greeted } = await listening(null);
  try {
    t.regex(await dial(port, "", greeting(), true), /101 Switching Protocols/);
    t.deepEqual(greeted, [2]);
  } finally {
    network.close();
  }
});

test.serial("whoever does not prove the secret is not even read", async (t) => {
  t.timeout(120_000);
  const { network, port, greeted } = await listening(new PeerSecret(Buffer.from("a secret of some length")));
  try {
    t.regex(await dial(port, "", greeting(), false), /^HTTP\/1\.1 401 /);
    const nonce = `Metastore-Nonce: ${"0".repeat(64)}\r\n`;
    // The listener's own proof, sent back, is none either.
    const offered = await dial(port, nonce, Buffer.concat([Buffer.alloc(32), greeting()]), false);
    const proof = /metastore-proof: ([0-9a-f]{64})/.exec(offered)?.[1] ?? "";
    t.is(proof.length, 64);
    await dial(port, nonce, Buffer.concat([Buffer.from(proof, "hex"), greeting()]), false);
    t.deepEqual(greeted, []);
  } finally {
    network.close();
  }
});

test.serial("a connection that has gone silent is given up, and peers talk again on a new one", async (t) => {
  t.timeout(120_000);
  const [a, b, viaA, viaB] = (await freePorts(4)) as [number, number, number, number];
  const relays = [new Relay(viaA, a), new Relay(viaB, b)];
  const heard = [0, 0];
  const networks = [a, b].map((port, k) => {
    const network = new MachineNetwork(() => undefined, null);
    const handshake = (to: number): Handshake => handshakeOf(k + 1, to);
    network.carry({
      receive: () => void (heard[k]! += 1),
      handshake,
      checkHandshake: (theirs) => ({ kind: "member", ours: handshake(theirs.node) }),
      checkListener: () => passed,
      isBound: () => true,
      isDoubtful: () => false,
      onVerdict: () => undefined,
    });
    return { network, port };
  });
  for (const { network, port } of networks) await network.listen("127.0.0.1", port);
  networks[0]!.network.setPeers(new Map([[2, [`http://127.0.0.1:${viaB}`]]]));
  networks[1]!.network.setPeers(new Map([[1, [`http://127.0.0.1:${viaA}`]]]));
  const talk = setInterval(() => {
    networks[0]!.network.send(2, envelope(1, 2));
    networks[1]!.network.send(1, envelope(2, 1));
  }, 50);
  const talks = async (): Promise<boolean> => {
    const before = [...heard];
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 100) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (heard.every((count, k) => count > before[k]! + 5)) return true;
    }
    return false;
  };
  try {
    t.true(await talks(), "they talk");
    for (const relay of relays) relay.freeze();
    await new Promise((resolve) => setTimeout(resolve, 500));
    t.true(await talks(), "they talk again");
  } finally {
    clearInterval(talk);
    for (const { network } of networks) network.close();
    for (const relay of relays) relay.close();
  }
});
