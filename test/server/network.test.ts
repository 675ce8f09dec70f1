/** Sockets between peers, real ones, through a relay that can go silent without closing anything. */
import { connect, createServer, type Server, type Socket } from "node:net";
import test from "ava";
import type { Envelope } from "../../core/raft/messages.ts";
import { type Handshake, protocolVersion } from "../../core/wire/frame.ts";
import { MachineNetwork } from "../../server/network.ts";
import { freePorts } from "../support/processes.ts";

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

test.serial("a connection that has gone silent is given up, and peers talk again on a new one", async (t) => {
  t.timeout(60_000);
  const [a, b, viaA, viaB] = (await freePorts(4)) as [number, number, number, number];
  const relays = [new Relay(viaA, a), new Relay(viaB, b)];
  const heard = [0, 0];
  const networks = [a, b].map((port, k) => {
    const network = new MachineNetwork(() => undefined, null);
    const handshake = (to: number): Handshake => ({
      versionMin: protocolVersion,
      versionMax: protocolVersion,
      cluster,
      node: k + 1,
      incarnation: 0,
      boot: 1,
      nonce: 1,
      storeId: "a".repeat(32),
      takesPart: true,
      to,
      url: "",
    });
    network.carry({
      receive: () => void (heard[k]! += 1),
      handshake,
      checkHandshake: (theirs) => ({ kind: "member", ours: handshake(theirs.node) }),
      checkListener: () => null,
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
    for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 100) {
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
