/**
 * Peer streams as the real connection carries them, core/protocol/connection.ts: each node dials every peer it knows, greets,
 * and sends on that stream. Bytes come in order, in pieces of any size; a queue that is full loses messages; a stream that
 * is reset loses what is on its way, and its dialler dials again. What server/network.ts does with sockets is done here
 * with events.
 */
import type { Node } from "../../core/node/node.ts";
import { Inbound, Outbound } from "../../core/protocol/connection.ts";
import type { Handshake } from "../../core/protocol/frame.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import type { Micros, NodeId } from "../../core/units.ts";
import { type Draws, salts } from "../draws.ts";
import { linkOf } from "../keys.ts";
import {
  peerQueueMustBeBounded,
  readMessageMustBeTheSent,
  readMessageMustHaveBeenSent,
  streamMustBeUnderstood,
} from "../laws/limits.ts";
import { olderCopyMustBeRefused } from "../laws/storage.ts";
import type { Plan } from "../plan/plan.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import type { Addresses } from "./addresses.ts";
import { diallerOf } from "./dialler.ts";
import type { FoundStarts } from "./found-starts.ts";
import { EnvelopeComparison } from "./same-envelope.ts";
import { Squatters } from "./squatters.ts";
import { lastFrame, Stream, type StreamEvent } from "./stream.ts";

/** The machine at one end of a stream. */
export interface StreamHost extends Target {
  readonly id: NodeId;
  readonly boot: number;
  readonly paused: boolean;
  readonly node: Node | null;
  readonly directory: { readonly isOlderCopy: boolean };
  /** By its process, while it took part. */
  readonly found: FoundStarts;
  /** One message of the piece that its turn takes. */
  hear(envelope: Envelope, answer: (envelope: Envelope) => void, dialled?: string): void;
}

/** What a stream asks of the world around it. */
export interface StreamWorld {
  readonly scheduler: Scheduler;
  readonly draws: Draws;
  readonly plan: Plan;
  readonly addresses: Addresses;
  /** Nothing that is sent on that link arrives before; Infinity: never. */
  heldUntil(from: NodeId, to: NodeId): Micros;
  isHealed(from: NodeId, to: NodeId): boolean;
  corrupted(from: NodeId): void;
  /** Something is on its way until then. */
  late(until: Micros): void;
  /** The sender's queue has room for it. */
  taken(envelope: Envelope): void;
  /** `read` is what came of `sent`. */
  same(sent: Envelope, read: Envelope): void;
}

const redialMicros: Micros = 200_000;
/** Until a machine that has begun empty is sent something on a connection of before, and answers it. */
const resendMicrosMax: Micros = 1_000_000;
const noBytes = new Uint8Array(0);
const { tie, corruption, messageCodec, messageTail } = salts;

/** One for each run whose messages travel on streams. */
export class SimStreams implements Target {
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #world: StreamWorld;
  readonly #code: number;
  readonly #addresses: Addresses;
  readonly #squatters: Squatters;
  readonly #hosts = new Map<NodeId, StreamHost>();
  readonly #streams = new Map<number, Stream>();
  readonly #comparison = new EnvelopeComparison();
  readonly counters = { pieces: 0, resets: 0, full: 0 };

  /** `code`: by which a host takes a StreamEvent. */
  constructor(world: StreamWorld, code: number) {
    const { scheduler, draws, plan, addresses } = world;
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.#world = world;
    this.#addresses = addresses;
    this.#squatters = new Squatters(world, {
      isDoubtful: (id, theirs) => this.#hosts.get(id)!.node?.isDoubtful(theirs) === true,
      leave: (stream) => this.#reset(stream, false),
    });
    this.#code = code;
  }

  attach(host: StreamHost): void {
    this.#hosts.set(host.id, host);
  }

  // --- what a node asks of its network

  setPeers(from: NodeId, peers: ReadonlyMap<NodeId, readonly string[]>): void {
    for (const stream of this.#streams.values()) {
      // A removed member dials again, and is told so.
      if (stream.to === from && !peers.has(stream.from)) this.#reset(stream);
      if (stream.from !== from || peers.has(stream.to)) continue;
      stream.isWanted = false;
      stream.close();
    }
    for (const [to, urls] of peers) {
      const stream = this.#stream(from, to);
      const isElsewhere = this.#readdress(stream, urls);
      if (stream.isWanted && !isElsewhere) continue;
      if (stream.isWanted) stream.close();
      stream.isWanted = true;
      this.#dial(stream);
    }
  }

  /** All its connections, or those with `peer`, both ways, begin again. */
  restart(id: NodeId, peer: NodeId | null): void {
    for (const stream of this.#streams.values()) {
      const other = stream.from === id ? stream.to : stream.to === id ? stream.from : null;
      if (other === null || (peer !== null && other !== peer)) continue;
      if (stream.outbound !== null) this.#reset(stream);
    }
  }

  /** Its own connection to `to` begins again, at the first address. */
  redial(from: NodeId, to: NodeId): void {
    const stream = this.#streams.get(linkOf(from, to));
    if (stream === undefined || !stream.isWanted) return;
    stream.close();
    stream.attempt = 0;
    this.#dial(stream);
  }

  connected(from: NodeId, to: NodeId): boolean {
    return this.#streams.get(linkOf(from, to))?.outbound?.open === true;
  }

  /** Whether its stream to `to` stands, and nobody else has answered. */
  reaches(from: NodeId, to: NodeId): boolean {
    return this.connected(from, to) && this.#streams.get(linkOf(from, to))?.at === to;
  }

  /** False: it never leaves. */
  send(from: NodeId, to: NodeId, envelope: Envelope): boolean {
    const stream = this.#streams.get(linkOf(from, to));
    if (stream === undefined || stream.outbound === null) return false;
    const isTaken = stream.outbound.send(envelope);
    if (isTaken) {
      stream.onItsWay.push(envelope);
      this.#world.taken(envelope);
    } else if (stream.outbound.open) this.counters.full += 1;
    return isTaken;
  }

  /** Its turn is over: what it has sent leaves. */
  flush(from: NodeId): void {
    for (const stream of this.#streams.values()) if (stream.from === from) this.#pump(stream);
  }

  // --- what becomes of it

  /** Cuts the connection: both ends know at once. */
  reset(from: NodeId, to: NodeId): void {
    const stream = this.#streams.get(linkOf(from, to));
    if (stream === undefined || stream.outbound === null) return;
    this.counters.resets += 1;
    this.#reset(stream);
  }

  /** Links may have become free again. */
  pumpAll(): void {
    for (const stream of this.#streams.values()) this.#pump(stream);
  }

  /** The process of `id` is gone. Without `power` its machine says so. */
  stopped(id: NodeId, power: boolean): void {
    for (const stream of this.#streams.values()) {
      if (stream.from === id) {
        stream.isWanted = false;
        stream.close();
      } else if (stream.at === id && !power) this.#tellClosed(stream, 0);
    }
  }

  /** A process starts on machine `id`: what is sent again on connections of an earlier one is answered with a reset. */
  started(id: NodeId): void {
    for (const stream of this.#streams.values()) if (stream.at === id) this.#tellClosed(stream, resendMicrosMax);
  }

  /** In the turn of the host that the event came to. */
  take(host: StreamHost, { stream, generation, kind, bytes }: StreamEvent): void {
    if (generation !== stream.generation) return;
    if (kind === "bytes") {
      stream.unsentBytes -= bytes.length;
      this.#listen(host, stream, bytes);
      this.#pump(stream);
    } else if (kind === "closed") this.#reset(stream);
    else {
      const closing = stream.outbound!.receive(bytes);
      if (closing === null) return;
      this.#reset(stream);
      if (closing.kind !== "other") host.node!.onVerdict(closing.kind, stream.to);
    }
  }

  /** The event came to a machine on which no process runs. */
  missed({ stream, generation, kind }: StreamEvent): void {
    if (generation !== stream.generation || kind !== "bytes" || stream.acceptedBy !== 0) return;
    // Nobody will take what comes behind it.
    stream.acceptedBy = -1;
    this.#tellClosed(stream, 0);
  }

  on(_code: number, payload: unknown): void {
    const stream = payload as Stream;
    stream.isRedialling = false;
    this.#dial(stream);
  }

  #stream(from: NodeId, to: NodeId): Stream {
    const known = this.#streams.get(linkOf(from, to));
    if (known !== undefined) return known;
    const stream = new Stream(from, to);
    this.#streams.set(stream.link, stream);
    return stream;
  }

  /** Returns whether the address that is dialled is none of the peer's any more. */
  #readdress(stream: Stream, urls: readonly string[]): boolean {
    if (urls.join() === stream.urls.join()) return false;
    const current = stream.urls[stream.attempt];
    stream.urls = urls;
    stream.attempt = Math.max(0, current === undefined ? 0 : urls.indexOf(current));
    return current !== urls[stream.attempt];
  }

  #dial(stream: Stream): void {
    const host = this.#hosts.get(stream.from);
    if (!stream.isWanted || stream.outbound !== null || host === undefined || host.node === null) return;
    const ours = host.paused ? null : host.node.handshake(stream.to);
    const dialled = stream.urls[stream.attempt] ?? "";
    stream.at = this.#addresses.listenerAt(dialled);
    const isStranger = stream.at === 0 && this.#squatters.isAt(dialled);
    if (ours === null || (stream.at === 0 && !isStranger)) return this.#redial(stream);
    stream.outbound = new Outbound(ours, diallerOf(host, host.node, dialled), this.#plan.queueBytesMax);
    if (isStranger) this.#greetStranger(stream, dialled, ours);
    else this.#pump(stream);
  }

  /** A stranger listens at `dialled`. */
  #greetStranger(stream: Stream, dialled: string, ours: Handshake): void {
    const answer = this.#squatters.greet(stream, dialled, ours);
    stream.lastAnswer = this.#post(stream, "answer", answer, stream.from, this.#scheduler.now, 0);
  }

  #redial(stream: Stream): void {
    if (stream.isRedialling) return;
    // Where it was accepted it is expected again; else the next address comes.
    if (!stream.wasOpen) stream.attempt = (stream.attempt + 1) % Math.max(1, stream.urls.length);
    stream.wasOpen = false;
    stream.isRedialling = true;
    const order = this.#draws.u32("tie", stream.link, stream.generation, tie.redial);
    this.#scheduler.at(this.#scheduler.now + redialMicros, order, this, 0, stream);
  }

  /** `isPeer`: who was dialled is expected to answer there again. */
  #reset(stream: Stream, isPeer = stream.outbound?.open === true): void {
    stream.wasOpen = isPeer;
    stream.close();
    this.#redial(stream);
  }

  /** The dialler hears that its connection is gone, within the latency and `slackMicros`. */
  #tellClosed(stream: Stream, slackMicros: Micros): void {
    if (stream.outbound === null) return;
    this.#post(stream, "closed", noBytes, stream.from, this.#scheduler.now, slackMicros);
  }

  /** Puts on the way what waits, as far as the kernel takes it. */
  #pump(stream: Stream): void {
    if (stream.outbound === null || stream.unsentBytes > this.#plan.unsentBytesMax) return;
    // A stranger listens there.
    if (stream.at === 0) return void stream.outbound.take();
    const held = this.#world.heldUntil(stream.from, stream.at);
    const bytes = held === Infinity ? null : stream.outbound.take();
    if (bytes === null) return;
    peerQueueMustBeBounded(stream.from, bytes.length, lastFrame(bytes), this.#plan.queueBytesMax);
    stream.unsentBytes += bytes.length;
    // Two pieces; three of four times one of them is all.
    const cut = this.#draws.below(bytes.length * 4, "streamCut", stream.link, stream.generation, stream.pieces);
    for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
      if (piece.length === 0) continue;
      this.#damage(stream, piece);
      const start = Math.max(held, this.#scheduler.now);
      stream.lastArrival = this.#post(stream, "bytes", piece, stream.at, start, 0);
    }
  }

  #damage(stream: Stream, piece: Uint8Array): void {
    const [{ faults }, { link, generation, pieces, from }] = [this.#plan, stream];
    if (this.#world.isHealed(from, stream.at)) return;
    if (!this.#draws.chance(faults.corruption, "corruption", link, generation, pieces, corruption.piece)) return;
    this.#world.corrupted(from);
    stream.hasDamage = true;
    piece[this.#draws.below(piece.length, "corruption", link, generation, pieces, corruption.pieceByte)]! ^= 0x20;
  }

  /** Returns when it arrives: behind all that is on the way to `to` on this connection. */
  #post(
    stream: Stream,
    kind: StreamEvent["kind"],
    bytes: Uint8Array,
    to: NodeId,
    start: Micros,
    slackMicros: Micros,
  ): Micros {
    const host = this.#hosts.get(to);
    if (host === undefined) return stream.lastArrival;
    const { link, generation } = stream;
    const piece = stream.pieces;
    stream.pieces += 1;
    this.counters.pieces += 1;
    const { latencyMicros, faults, electionMicros } = this.#plan;
    const isHealed = this.#world.isHealed(stream.from, stream.at);
    let delay =
      latencyMicros / 2 + this.#draws.below(latencyMicros * 1.5 + slackMicros, "stream", link, generation, piece);
    if (!isHealed && this.#draws.chance(faults.delayTail, "messageTail", link, generation, piece, messageTail.piece))
      delay += this.#draws.below(4 * electionMicros, "messageTail", link, generation, piece, messageTail.pieceLength);
    const behind = kind === "bytes" ? stream.lastArrival + 1 : kind === "answer" ? stream.lastAnswer + 1 : 0;
    const time = Math.max(behind, start + Math.ceil(delay));
    if (!isHealed) this.#world.late(time);
    const event: StreamEvent = { stream, generation, kind, bytes };
    this.#scheduler.at(time, this.#draws.u32("tie", link, generation, piece, tie.streamPiece), host, this.#code, event);
    return time;
  }

  #listen(host: StreamHost, stream: Stream, bytes: Uint8Array): void {
    const { generation } = stream;
    if (stream.acceptedBy === 0) {
      stream.acceptedBy = host.boot;
      stream.inbound = new Inbound({
        checkHandshake: (theirs) => this.#checkHandshake(host, stream, theirs),
        receive: (envelope, answer) => this.#deliver(host, stream, generation, envelope, answer),
      });
    }
    if (stream.acceptedBy !== host.boot) return this.#tellClosed(stream, 0);
    if (stream.inbound === null) return;
    const { inbound } = stream;
    const wasGreeted = inbound.peer !== null;
    const received = inbound.receive(bytes);
    if (generation !== stream.generation) return;
    const reply = inbound.takeReply();
    if (reply !== null) {
      const back = this.#world.heldUntil(stream.at, stream.from);
      if (back < Infinity) {
        const start = Math.max(back, this.#scheduler.now);
        stream.lastAnswer = this.#post(stream, "answer", reply, stream.from, start, 0);
      }
    }
    if (received.ok) return;
    // A listener that has nothing against the dialler understands it.
    const isRefusal = !wasGreeted && reply !== null;
    streamMustBeUnderstood(stream.at, stream.from, received.reason, isRefusal || stream.hasDamage);
    stream.inbound = null;
    this.#tellClosed(stream, this.#plan.latencyMicros * 4);
  }

  #checkHandshake(host: StreamHost, { from }: Stream, theirs: Handshake): ReturnType<Node["checkHandshake"]> {
    const verdict = host.node!.checkHandshake(theirs);
    const isCopy = this.#hosts.get(from)?.directory.isOlderCopy === true;
    olderCopyMustBeRefused(host.id, from, isCopy, verdict.kind);
    return verdict;
  }

  #deliver(
    host: StreamHost,
    stream: Stream,
    generation: number,
    envelope: Envelope,
    answer: (envelope: Envelope) => void,
  ): void {
    // What stands in the piece behind the message that has ended the connection is heard nevertheless.
    if (generation !== stream.generation) return host.hear(envelope, answer);
    const sent = stream.onItsWay.shift();
    readMessageMustHaveBeenSent(host.id, stream.from, sent);
    const { link, pieces, hasDamage } = stream;
    const isLookedAt = hasDamage || this.#draws.below(32, "messageCodec", link, pieces, messageCodec.stream) === 0;
    if (isLookedAt)
      readMessageMustBeTheSent(host.id, stream.from, envelope.message.kind, this.#comparison.isSame(sent, envelope));
    this.#world.same(sent, envelope);
    host.hear(envelope, answer);
  }
}
