/**
 * Peers over HTTP Upgrade. Each node dials every peer and sends on that stream (peer-link.ts); it listens for theirs.
 * The streams' content is core/protocol/connection.ts; here are sockets only. A socket that has not been accepted as a
 * member's costs a few KiB for a few seconds, and there are few of them.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Network } from "../core/ports.ts";
import { type FinalVerdict, Inbound, type Verdict } from "../core/protocol/connection.ts";
import type { Handshake } from "../core/protocol/frame.ts";
import type { Envelope } from "../core/protocol/message.ts";
import type { Checked } from "../core/result.ts";
import type { NodeId } from "../core/units.ts";
import { boundedLog } from "./bounded-log.ts";
import type { Log } from "./log.ts";
import { nonceHeader, PeerLink, proofHeader, protocolName } from "./peer-link.ts";
import { isNonce, isSameProof, newNonce, proofBytes, type PeerSecret } from "./peer-secret.ts";

/** From the first byte, or none, to an accepted handshake. */
const handshakeMs = 3_000;
/** A guest asks every heartbeat; a guest that is silent for so long is gone. */
const guestSilenceMs = 10_000;
/** What a guest may say on one stream. */
const guestBytesMax = 64 * 1024;
/** Sockets that are no member's; the oldest goes when there are more. */
const strangersMax = 64;
/** Streams of one member: the newest, and what is not known to be over yet. */
const streamsPerMemberMax = 4;
/** Dead peers are noticed after about two minutes. */
const keepAliveMs = 15_000;
const answerBytesMax = 64 * 1024;

function monotonicMs(): number {
  return performance.now();
}

/** What the network needs of the node it carries for. */
export interface Carried {
  /** `dialled`: the URL whose listener answers with it; null where somebody else has dialled. */
  receive(envelope: Envelope, answer: (envelope: Envelope) => void, dialled: string | null): void;
  handshake(to: NodeId): Handshake | null;
  checkHandshake(theirs: Handshake): Verdict;
  checkListener(theirs: Handshake, accepts: boolean): Checked;
  isBound(theirs: Handshake): boolean;
  isDoubtful(theirs: Handshake): boolean;
  onVerdict(verdict: FinalVerdict, by: NodeId): void;
}

/** The peers of one node: the streams that it dials, and those that it accepts. */
export class MachineNetwork implements Network {
  readonly #log: Log;
  /** For what dialled nodes have said, and for what diallers have: neither keeps the other's lines back. */
  readonly #logOfDialled: Log;
  readonly #logOfDiallers: Log;
  readonly #secret: PeerSecret | null;
  readonly #links = new Map<NodeId, PeerLink>();
  /** Sockets that have not been accepted as a member's, the oldest first. */
  readonly #strangers = new Map<Socket, NodeJS.Timeout>();
  /** Streams from members, by whose they are, the oldest first. */
  readonly #members = new Map<Socket, Handshake>();
  readonly #server: Server;
  #carried: Carried | null = null;
  #closed = false;

  constructor(log: Log, secret: PeerSecret | null) {
    this.#log = log;
    this.#logOfDialled = boundedLog(log, "peers do not answer as they should", monotonicMs);
    this.#logOfDiallers = boundedLog(log, "peer streams are closed", monotonicMs);
    this.#secret = secret;
    this.#server = createServer({ connectionsCheckingInterval: 1_000 }, (_request, response) => {
      response.writeHead(426, { Connection: "close", Upgrade: protocolName, "Content-Type": "text/plain" });
      response.end("This is a metaStore peer port; clients talk to the node's --port.\n");
    });
    this.#server.headersTimeout = handshakeMs;
    this.#server.requestTimeout = handshakeMs;
    this.#server.keepAliveTimeout = 1;
    this.#server.on("connection", (socket: Socket) => this.#onConnection(socket));
    this.#server.on("upgrade", (request, socket: Socket, head) => this.#accept(request, socket, head));
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  /** Listens; rejects where the address cannot be had. */
  listen(host: string | undefined, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        // Without a descriptor a connection waits at the kernel.
        this.#server.on("error", ({ message }) => this.#log("warn", `a peer could not be accepted: ${message}`));
        resolve();
      });
    });
  }

  carry(carried: Carried): void {
    this.#carried = carried;
  }

  send(to: NodeId, envelope: Envelope): boolean {
    return this.#links.get(to)?.send(envelope) === true;
  }

  connected(to: NodeId): boolean {
    return this.#links.get(to)?.connected === true;
  }

  setPeers(urls: ReadonlyMap<NodeId, readonly string[]>): void {
    const carried = this.#carried;
    if (carried === null || this.#closed) return;
    for (const [id, link] of this.#links) {
      if (urls.has(id)) continue;
      link.close();
      this.#links.delete(id);
      // A removed member dials again, and is told so.
      for (const [socket, { node }] of this.#members) if (node === id) socket.destroy();
    }
    const node = {
      handshake: (to: NodeId) => carried.handshake(to),
      checkListener: (theirs: Handshake, accepts: boolean) => carried.checkListener(theirs, accepts),
      isBound: (theirs: Handshake) => carried.isBound(theirs),
      isDoubtful: (theirs: Handshake) => carried.isDoubtful(theirs),
      receive: (envelope: Envelope, url: string) => carried.receive(envelope, () => undefined, url),
      onVerdict: (verdict: FinalVerdict, by: NodeId) => carried.onVerdict(verdict, by),
    };
    for (const [id, candidates] of urls) {
      const usable = candidates.filter((url) => URL.canParse(url));
      const link = this.#links.get(id);
      if (usable.length === 0) continue;
      if (link !== undefined) link.setUrls(usable);
      else this.#links.set(id, new PeerLink(id, usable, node, this.#secret, this.#logOfDialled));
    }
  }

  restart(peer: NodeId | null): void {
    for (const [id, link] of this.#links) if (peer === null || id === peer) link.restart();
    for (const [socket, { node }] of this.#members) if (peer === null || node === peer) socket.destroy();
    if (peer === null) for (const socket of this.#strangers.keys()) socket.destroy();
  }

  redial(peer: NodeId): void {
    this.#links.get(peer)?.restart();
  }

  close(): void {
    this.#closed = true;
    for (const link of this.#links.values()) link.close();
    for (const socket of [...this.#members.keys(), ...this.#strangers.keys()]) socket.destroy();
    this.#server.close();
  }

  /** Nothing is known of who dials. */
  #onConnection(socket: Socket): void {
    this.#strangers.set(
      socket,
      setTimeout(() => socket.destroy(), handshakeMs),
    );
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(this.#strangers.get(socket));
      this.#strangers.delete(socket);
      this.#members.delete(socket);
    });
    if (this.#strangers.size <= strangersMax) return;
    const [oldest] = this.#strangers.keys();
    oldest?.destroy();
  }

  #accept(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const carried = this.#carried;
    // A node that is still opening its directory has nothing to say.
    const isReady = carried !== null && carried.handshake(0) !== null;
    if (!isReady || request.headers.upgrade !== protocolName) return void socket.destroy();
    // The server leaves its sockets half open: without this the descriptor would stay when the dialler has gone.
    socket.on("end", () => socket.destroy());
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    socket.setTimeout(0);
    const headers = ["Connection: Upgrade", `Upgrade: ${protocolName}`];
    const conversation = this.#conversation(socket, carried);
    if (this.#secret === null) {
      socket.on("data", conversation);
    } else {
      const theirs = request.headers[nonceHeader];
      if (!isNonce(theirs)) return this.#refuse(socket, "it offers no proof of the secret of --peer-secret-file");
      const ours = newNonce();
      const proof = this.#secret.proof("listener", theirs, ours).toString("hex");
      headers.push(`${nonceHeader}: ${ours}`, `${proofHeader}: ${proof}`);
      this.#demandProof(socket, this.#secret.proof("dialler", theirs, ours), conversation);
    }
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join("\r\n")}\r\n\r\n`);
    if (head.length > 0) socket.emit("data", head);
  }

  #refuse(socket: Socket, why: string): void {
    this.#tell(socket, why);
    socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  }

  #tell(socket: Socket, why: string): void {
    // No port is named: the same cause gives the same line.
    this.#logOfDiallers("warn", `a peer stream from ${socket.remoteAddress ?? "?"} is closed: ${why}`);
  }

  /** The first bytes must be `proof`; only what follows them is read. */
  #demandProof(socket: Socket, proof: Buffer, conversation: (chunk: Buffer) => void): void {
    let given = Buffer.alloc(0);
    const take = (chunk: Buffer): void => {
      given = Buffer.concat([given, chunk]);
      if (given.length < proofBytes) return;
      socket.off("data", take);
      if (!isSameProof(given.subarray(0, proofBytes), proof)) {
        this.#tell(socket, "it does not know the secret of --peer-secret-file");
        return void socket.destroy();
      }
      socket.on("data", conversation);
      if (given.length > proofBytes) conversation(given.subarray(proofBytes));
    };
    socket.on("data", take);
  }

  /** Takes what comes on an accepted connection. */
  #conversation(socket: Socket, carried: Carried): (chunk: Buffer) => void {
    const inbound = new Inbound({
      checkHandshake: (theirs) => carried.checkHandshake(theirs),
      receive: (envelope, answer) => {
        this.#links.get(envelope.from)?.heard();
        carried.receive(envelope, answer, null);
      },
    });
    let [bytesFromGuest, isOver] = [0, false];
    return (chunk) => {
      if (isOver) return;
      const wasKnown = inbound.peer !== null;
      if (!inbound.isMember) bytesFromGuest += chunk.length;
      const received = inbound.receive(chunk);
      const reply = inbound.takeReply();
      if (reply !== null && socket.writableLength < answerBytesMax) socket.write(reply);
      isOver = !received.ok || (!inbound.isMember && bytesFromGuest > guestBytesMax);
      if (!received.ok && !inbound.isRefusalPassing) this.#tell(socket, received.reason);
      if (isOver) return socket.destroySoon();
      const { peer, isMember } = inbound;
      if (peer !== null && !wasKnown) this.#onKnown(socket, peer, isMember);
      else if (wasKnown) this.#strangers.get(socket)?.refresh();
    };
  }

  #onKnown(socket: Socket, peer: Handshake, isMember: boolean): void {
    clearTimeout(this.#strangers.get(socket));
    if (!isMember) {
      this.#strangers.set(
        socket,
        setTimeout(() => socket.destroy(), guestSilenceMs),
      );
      return;
    }
    this.#strangers.delete(socket);
    // The node takes no other start for that member while one answers where it dials: an earlier one is over.
    for (const [old, { node, boot, nonce }] of this.#members) {
      if (node === peer.node && (boot !== peer.boot || nonce !== peer.nonce)) old.destroy();
    }
    this.#members.set(socket, peer);
    const own = [...this.#members].filter(([, { node }]) => node === peer.node);
    if (own.length > streamsPerMemberMax) own[0]![0].destroy();
    this.#links.get(peer.node)?.wake();
  }
}
