/**
 * Peers over HTTP Upgrade. Each node dials every peer and sends on that stream; it listens for theirs. The streams'
 * content is core/wire/connection.ts; here are sockets only. A peer that cannot be reached is dialled again, for ever.
 */
import { createServer, request, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Network } from "../core/ports.ts";
import type { Envelope } from "../core/raft/messages.ts";
import type { NodeId } from "../core/units.ts";
import { Inbound, Outbound, removedVerdict } from "../core/wire/connection.ts";
import type { Handshake } from "../core/wire/frame.ts";
import type { Log } from "./log.ts";
import { parsePeerUrl } from "./peer-url.ts";

const protocolName = "metastore-peer";
const redialMs = 200;
const handshakeMs = 5_000;
/** A peer that is spoken to all the time and says nothing for so long is dialled anew: TCP would wait for minutes. */
const silenceMs = 5_000;
/** Who is spoken to less often than that is not spoken to all the time. */
const pauseMs = 1_000;
/** Bytes given to a socket and not yet taken by the kernel. */
const unsentBytesMax = 256 * 1024;
const queueBytesMax = 8 * 1024 * 1024;

/** What the network needs of the node it carries for. */
export interface Carried {
  receive(envelope: Envelope): void;
  handshake(to: NodeId): Handshake | null;
  judge(theirs: Handshake): string | null;
  /** A member has turned this node away for good. */
  turnedAway(): void;
}

class Peer {
  readonly url: string;
  readonly #id: NodeId;
  readonly #url: URL;
  readonly #carried: Carried;
  readonly #log: Log;
  #outbound: Outbound | null = null;
  #socket: Socket | null = null;
  #redial: NodeJS.Timeout | null = null;
  #closed = false;
  #flushDue = false;
  /** When it was last sent something; and since when it has been sent something and nothing was heard. */
  #sentAt = -Infinity;
  #unheardSince = 0;
  #complaint = "";

  constructor(id: NodeId, url: string, carried: Carried, log: Log) {
    this.url = url;
    this.#id = id;
    this.#url = new URL(url);
    this.#carried = carried;
    this.#log = log;
    this.#dial();
  }

  send(envelope: Envelope): boolean {
    if (this.#outbound === null) return false;
    const now = performance.now();
    if (now - this.#sentAt > pauseMs) this.#unheardSince = now;
    this.#sentAt = now;
    if (now - this.#unheardSince > silenceMs) {
      this.#socket?.destroy(new Error("it says nothing"));
      return false;
    }
    const isTaken = this.#outbound.send(envelope);
    if (this.#flushDue) return isTaken;
    this.#flushDue = true;
    process.nextTick(() => {
      this.#flushDue = false;
      this.#flush();
    });
    return isTaken;
  }

  /** It has said something, on its own stream. */
  heard(): void {
    this.#unheardSince = performance.now();
  }

  get connected(): boolean {
    return this.#outbound?.open === true;
  }

  close(): void {
    this.#closed = true;
    if (this.#redial !== null) clearTimeout(this.#redial);
    this.#socket?.destroy();
  }

  #flush(): void {
    if (this.#socket === null || this.#outbound === null || this.#socket.writableLength > unsentBytesMax) return;
    const bytes = this.#outbound.take();
    if (bytes !== null) this.#socket.write(bytes);
  }

  #dial(): void {
    const ours = this.#carried.handshake(this.#id);
    if (ours === null) return this.#later("");
    const { hostname, port } = this.#url;
    const headers = { Connection: "Upgrade", Upgrade: protocolName };
    const dialling = request({
      host: hostname.replace(/^\[|\]$/g, ""),
      port,
      headers,
      timeout: handshakeMs,
      agent: false,
    });
    dialling.on("timeout", () => dialling.destroy());
    dialling.on("error", (error) => this.#later(error.message));
    dialling.on("response", (response) => {
      response.destroy();
      this.#later(`it answered ${response.statusCode}: not a metaStore peer port`);
    });
    dialling.on("upgrade", (_response, socket: Socket, head) =>
      this.#converse(socket, head, new Outbound(ours, queueBytesMax)),
    );
    dialling.end();
  }

  #converse(socket: Socket, head: Buffer, outbound: Outbound): void {
    if (this.#closed) return void socket.destroy();
    this.#socket = socket;
    this.#outbound = outbound;
    socket.setNoDelay(true);
    socket.setTimeout(handshakeMs, () => socket.destroy(new Error("it does not answer the handshake")));
    let complaint = "the connection was closed";
    const take = (chunk: Buffer): void => {
      const trouble = outbound.receive(chunk);
      if (outbound.open) {
        this.#complaint = "";
        socket.setTimeout(0);
      }
      if (trouble === null) return;
      complaint = trouble;
      socket.destroy();
      if (trouble === removedVerdict) this.#carried.turnedAway();
    };
    socket.on("data", take);
    socket.on("drain", () => this.#flush());
    socket.on("error", ({ message }) => (complaint = message));
    socket.on("close", () => {
      this.#unheardSince = performance.now();
      this.#socket = null;
      this.#outbound = null;
      this.#later(complaint);
    });
    if (head.length > 0) take(head);
    this.#flush();
  }

  #later(complaint: string): void {
    if (this.#closed || this.#redial !== null) return;
    // Each trouble is told once, not at each try.
    if (complaint !== "" && complaint !== this.#complaint) {
      this.#log("info", `node ${this.#id} at ${this.#url.origin}: ${complaint}`);
      this.#complaint = complaint;
    }
    this.#redial = setTimeout(() => {
      this.#redial = null;
      this.#dial();
    }, redialMs);
  }
}

export class MachineNetwork implements Network {
  readonly #log: Log;
  readonly #peers = new Map<NodeId, Peer>();
  /** Streams from peers; 0 until one has said who it is. */
  readonly #sockets = new Map<Socket, NodeId>();
  readonly #server: Server;
  #carried: Carried | null = null;

  constructor(log: Log) {
    this.#log = log;
    this.#server = createServer((_request, response) => {
      response.writeHead(426, { Connection: "close", Upgrade: protocolName, "Content-Type": "text/plain" });
      response.end("This is a metaStore peer port; clients talk to the node's --port.\n");
    });
    this.#server.headersTimeout = handshakeMs;
    this.#server.requestTimeout = handshakeMs;
    this.#server.on("upgrade", (_request, socket: Socket, head) => this.#accept(socket, head));
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  /** Listens; rejects where the address cannot be had. */
  listen(host: string | undefined, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => resolve());
    });
  }

  carry(carried: Carried): void {
    this.#carried = carried;
  }

  send(to: NodeId, envelope: Envelope): boolean {
    return this.#peers.get(to)?.send(envelope) === true;
  }

  connected(to: NodeId): boolean {
    return this.#peers.get(to)?.connected === true;
  }

  setPeers(urls: ReadonlyMap<NodeId, string>): void {
    for (const [id, peer] of this.#peers) {
      if (urls.get(id) === peer.url) continue;
      peer.close();
      this.#peers.delete(id);
      // Whoever is out dials again, and is told so.
      if (!urls.has(id)) for (const [socket, from] of this.#sockets) if (from === id) socket.destroy();
    }
    if (this.#carried === null) return;
    for (const [id, url] of urls) {
      // A peer says itself where it is reached.
      if ("wrong" in parsePeerUrl(url)) continue;
      if (!this.#peers.has(id)) this.#peers.set(id, new Peer(id, url, this.#carried, this.#log));
    }
  }

  close(): void {
    for (const peer of this.#peers.values()) peer.close();
    for (const socket of this.#sockets.keys()) socket.destroy();
    this.#server.close();
  }

  #accept(socket: Socket, head: Buffer): void {
    const carried = this.#carried;
    if (carried === null) return void socket.destroy();
    this.#sockets.set(socket, 0);
    socket.setNoDelay(true);
    socket.setTimeout(handshakeMs, () => socket.destroy());
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocolName}\r\n\r\n`);
    const inbound = new Inbound(
      (theirs) => carried.judge(theirs),
      (envelope) => {
        this.#peers.get(envelope.from)?.heard();
        carried.receive(envelope);
      },
    );
    const take = (chunk: Buffer): void => {
      const greeted = inbound.peer !== null;
      const trouble = inbound.receive(chunk);
      const reply = inbound.takeReply();
      if (reply !== null) socket.write(reply);
      if (trouble !== null) {
        this.#log("warn", `a peer stream from ${socket.remoteAddress ?? "?"} is closed: ${trouble}`);
        socket.destroySoon();
        return;
      }
      const { peer } = inbound;
      if (greeted || peer === null) return;
      this.#sockets.set(socket, peer.node);
      socket.setTimeout(0);
    };
    socket.on("data", take);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    if (head.length > 0) take(head);
  }
}
