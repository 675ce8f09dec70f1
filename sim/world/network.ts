/**
 * The network between nodes. Usually each directed link delays, loses, doubles and so reorders messages by themselves, which
 * is harder than any connection: one message in 32 goes through frames in pieces and arrives as its own decoded copy, the
 * others are passed by reference. In some runs messages travel on streams instead (streams.ts). Links can be blocked.
 */
import { BadBytes, Writer } from "../../core/bytes.ts";
import type { Node } from "../../core/node/node.ts";
import type { Network } from "../../core/ports.ts";
import { FrameReader, writeFrame } from "../../core/protocol/frame.ts";
import { decodeEnvelope, encodeEnvelope } from "../../core/protocol/message-codec.ts";
import { messageKinds } from "../../core/protocol/message-kinds.ts";
import type { Envelope, Message } from "../../core/protocol/message.ts";
import type { Micros, NodeId } from "../../core/units.ts";
import { Copies, type Draws, mix, salts } from "../draws.ts";
import { linkOf, receiverOn, senderOn } from "../keys.ts";
import { frameMustBeReadIfWhole } from "../laws/limits.ts";
import { addressMustNotComeFromStranger } from "../laws/strangers.ts";
import type { Plan } from "../plan/plan.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Fate, Recorder } from "../trace/recorder.ts";
import { LateMessages } from "./late-messages.ts";
import { Addresses, isStrange } from "./addresses.ts";
import { SimStreams, type StreamHost } from "./streams.ts";

/** How often each has happened in a run. A message may count several times. */
export type NetworkCounters = {
  sent: number;
  lost: number;
  blocked: number;
  copied: number;
  late: number;
  held: number;
  corrupted: number;
};

/** What makes a message this message, for the keys of its draws: not its bytes, and not when it was sent. */
function occasionOf(message: Message): number {
  let hash: number = messageKinds[message.kind];
  switch (message.kind) {
    case "append":
      hash = mix(mix(mix(hash, message.term), message.prevIndex), message.entries.length);
      return mix(mix(hash, message.round), message.commit);
    case "append-reply":
      return mix(mix(mix(mix(hash, message.term), message.round), message.matchIndex), message.prevIndex);
    case "forward":
      return mix(mix(hash, message.term), message.proposals[0]?.origin.seq ?? 0);
    case "read":
    case "read-reply":
      return mix(mix(hash, message.boot), message.id);
    case "bootstrap-hello":
    case "bootstrap-reply":
    case "rebind-pending":
    case "directory-check":
    case "directory-confirmed":
    case "learned-address":
      return hash;
    case "forward-refused":
      return mix(mix(hash, message.term), message.firstSeq);
    case "snapshot-chunk":
    case "snapshot-reply":
      return mix(mix(mix(hash, message.term), message.index), message.offset);
    case "snapshot-wanted":
      return mix(hash, message.index);
    case "join-request":
    case "join-accepted":
    case "removed":
    case "bind-request":
      return mix(hash, message.incarnation);
    case "change":
    case "change-reply":
      return mix(mix(hash, message.boot), message.seq);
    case "timeout-now":
    case "pre-vote":
    case "pre-vote-reply":
    case "vote":
    case "vote-reply":
      return mix(hash, message.term);
    default:
      return message satisfies never;
  }
}

/** Is told of each message that a stream has taken: it may arrive. */
export interface DepartureObserver {
  taken(message: Message): void;
}

/** How a message goes: on `link` to `to`, which takes it as an event of `code`. Its draws have `occasion` and `copy` as keys. */
type Way = {
  readonly to: NodeId;
  readonly link: number;
  readonly occasion: number;
  readonly copy: number;
  readonly healed: boolean;
  readonly code: number;
};

/** One for each run. What reaches a node does so in a turn of that node's. */
export class SimNetwork {
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #copies = new Copies();
  readonly #writer = new Writer();
  readonly #hosts = new Map<NodeId, StreamHost>();
  readonly addresses: Addresses;
  /** Where this run's messages travel on streams. */
  readonly streams: SimStreams | null;
  /** Blocked directed links, by their keys, until a true time. */
  readonly #blockedUntil = new Map<number, Micros>();
  /** Clogged links: what is sent is held, and all released then. */
  readonly #cloggedUntil = new Map<number, Micros>();
  /** Loses those messages, whatever is drawn. */
  drops: ((from: NodeId, to: NodeId, message: Message) => boolean) | null = null;
  /** Those that a directed run keeps back. */
  readonly late = new LateMessages();
  /** Until when a message is kept that is sent now and travels by itself; 0: it is not. */
  heldUntil: (from: NodeId, to: NodeId, message: Message) => Micros = () => 0;
  recorder: Recorder | null = null;
  departures: DepartureObserver | null = null;
  /** Is told of each message that is lost, doubled or late by chance. */
  struck: (what: "loss" | "duplication" | "delayTail" | "corruption", from: NodeId) => void = () => undefined;
  /** By then everything has arrived that was sent on a link with faults. */
  lateUntil: Micros = 0;
  /** Nodes whose links among themselves are healed for good. */
  #healed: ReadonlySet<NodeId> = new Set();
  readonly counters: NetworkCounters = {
    sent: 0,
    lost: 0,
    blocked: 0,
    copied: 0,
    late: 0,
    held: 0,
    corrupted: 0,
  };

  /** `streamCode`: by which a host takes what comes on a stream. */
  constructor(scheduler: Scheduler, draws: Draws, plan: Plan, streamCode: number) {
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.addresses = new Addresses(Array.from({ length: plan.nodes + plan.spares }, (_, k) => k + 1));
    const world = {
      scheduler,
      draws,
      plan,
      addresses: this.addresses,
      heldUntil: (from: NodeId, to: NodeId) => this.#heldUntil(from, to),
      isHealed: (from: NodeId, to: NodeId) => this.#isHealed(from, to),
      corrupted: (from: NodeId) => this.#corrupted(from),
      late: (until: Micros) => {
        this.lateUntil = Math.max(this.lateUntil, until);
      },
      taken: (envelope: Envelope) => this.departures?.taken(envelope.message),
      same: (sent: Envelope, read: Envelope) => this.recorder?.same(sent, read),
    };
    this.streams = plan.streams ? new SimStreams(world, streamCode) : null;
  }

  attach(host: StreamHost): void {
    this.#hosts.set(host.id, host);
    this.streams?.attach(host);
  }

  #setPeers(from: NodeId, peers: ReadonlyMap<NodeId, readonly string[]>): void {
    for (const [to, urls] of peers) addressMustNotComeFromStranger(from, to, urls.find(isStrange));
    this.streams?.setPeers(from, peers);
  }

  /** The network as the node `from` has it. `maySend` is told of each message, and says whether its process still runs. */
  portOf(from: NodeId, code: number, maySend: (to: NodeId, envelope: Envelope) => boolean): Network {
    const { streams } = this;
    return {
      send: (to, envelope) => maySend(to, envelope) && this.send(from, to, envelope, code),
      // Without streams, nobody is told that a peer is gone.
      connected: (to) => streams?.connected(from, to) ?? true,
      setPeers: (urls) => this.#setPeers(from, urls),
      restart: (peer) => streams?.restart(from, peer),
      redial: (peer) => streams?.redial(from, peer),
    };
  }

  #isHealed(from: NodeId, to: NodeId): boolean {
    return this.#healed.has(from) && this.#healed.has(to);
  }

  #heldUntil(from: NodeId, to: NodeId): Micros {
    if (this.#isHealed(from, to)) return 0;
    const link = linkOf(from, to);
    const until = Math.max(this.#blockedUntil.get(link) ?? 0, this.#cloggedUntil.get(link) ?? 0);
    if (until > this.#scheduler.now) this.counters.held += 1;
    return until;
  }

  #corrupted(from: NodeId): void {
    this.counters.corrupted += 1;
    this.struck("corruption", from);
  }

  block(from: NodeId, to: NodeId, until: Micros): void {
    const link = linkOf(from, to);
    this.#blockedUntil.set(link, Math.max(until, this.#blockedUntil.get(link) ?? 0));
  }

  clog(from: NodeId, to: NodeId, until: Micros): void {
    this.#cloggedUntil.set(linkOf(from, to), until);
  }

  /** Nobody is cut off from `id` any more. */
  unblockNode(id: NodeId): void {
    for (const link of this.#blockedUntil.keys())
      if (senderOn(link) === id || receiverOn(link) === id) this.#blockedUntil.delete(link);
    this.streams?.pumpAll();
  }

  /** Nothing holds up what `from` says to `to` any more. */
  unblockLink(from: NodeId, to: NodeId): void {
    this.#blockedUntil.delete(linkOf(from, to));
    this.#cloggedUntil.delete(linkOf(from, to));
    this.streams?.pumpAll();
  }

  /** Nothing passes from `from` to `to` now. */
  isBlocked(from: NodeId, to: NodeId): boolean {
    return !this.#isHealed(from, to) && (this.#blockedUntil.get(linkOf(from, to)) ?? 0) > this.#scheduler.now;
  }

  unblock(): void {
    this.#blockedUntil.clear();
    this.#cloggedUntil.clear();
    this.streams?.pumpAll();
  }

  /** Without streams the sender says first where it is reached: a node that takes no part yet knows it only so. */
  introduce(from: NodeId, to: Node, id: NodeId): void {
    const theirs = this.streams === null ? this.#hosts.get(from)?.node?.handshake(id) : null;
    if (theirs !== null && theirs !== undefined) to.checkHandshake(theirs);
  }

  /** From now on links among `nodes` lose and delay nothing beyond their latency; blocks elsewhere stay as they are, for ever. */
  heal(nodes: ReadonlySet<NodeId>): void {
    this.#healed = nodes;
    for (const [link, until] of this.#blockedUntil)
      if (until > this.#scheduler.now) this.#blockedUntil.set(link, Infinity);
    // What is on its way may be held up for long: healed nodes connect again.
    for (const from of nodes) for (const to of nodes) this.streams?.reset(from, to);
  }

  /** False: the sender's own queue has no room, or there is no stream. What the network loses it has taken. */
  send(from: NodeId, to: NodeId, envelope: Envelope, code: number): boolean {
    const healed = this.#isHealed(from, to);
    const link = linkOf(from, to);
    this.counters.sent += 1;
    if (this.drops?.(from, to, envelope.message) === true) return this.#lost(envelope, "lost");
    if (this.late.keeps(from, to, envelope, code)) return true;
    if (this.streams !== null) return this.streams.send(from, to, envelope);
    const occasion = mix(occasionOf(envelope.message), link);
    const copy = this.#copies.next(occasion);
    const { faults } = this.#plan;
    if (!healed && (this.#blockedUntil.get(link) ?? 0) > this.#scheduler.now) {
      this.counters.blocked += 1;
      return this.#lost(envelope, "cut");
    }
    if (!healed && this.#draws.chance(faults.loss, "messageLoss", occasion, copy)) {
      this.counters.lost += 1;
      this.struck("loss", from);
      return this.#lost(envelope, "lost");
    }
    const isCorrupted = !healed && this.#draws.chance(faults.corruption, "corruption", occasion, copy);
    const isFramed = isCorrupted || this.#draws.below(32, "messageCodec", occasion, copy) === 0;
    const carried = isFramed ? this.#throughStream(envelope, occasion, copy, isCorrupted) : envelope;
    if (carried === null) {
      this.#corrupted(from);
      return this.#lost(envelope, "corrupted");
    }
    if (carried !== envelope) this.recorder?.same(envelope, carried);
    const way: Way = { to, link, occasion, copy, healed, code };
    this.#deliver(way, carried, 0);
    if (!healed && this.#draws.chance(faults.duplication, "messageCopy", occasion, copy)) {
      this.counters.copied += 1;
      this.struck("duplication", from);
      this.#deliver(way, carried, 1);
    }
    return true;
  }

  /** The network has taken it, and it does not arrive. */
  #lost(envelope: Envelope, fate: Fate): true {
    this.recorder?.lost(envelope, fate);
    return true;
  }

  /** `twin`: 1 for a duplicate, 0 for the message itself. */
  #deliver({ to, link, occasion, copy, healed, code }: Way, envelope: Envelope, twin: 0 | 1): void {
    const { latencyMicros, faults, electionMicros } = this.#plan;
    const host = this.#hosts.get(to);
    if (host === undefined) return;
    // Between half and twice the mean; now and then, up to several election timeouts.
    let delay = latencyMicros / 2 + this.#draws.below(latencyMicros * 1.5, "messageLatency", occasion, copy, twin);
    if (!healed && this.#draws.chance(faults.delayTail, "messageTail", occasion, copy, twin)) {
      this.counters.late += 1;
      this.struck("delayTail", senderOn(link));
      delay += this.#draws.below(
        4 * electionMicros,
        "messageTail",
        occasion,
        copy,
        salts.messageTail.copyLength + twin,
      );
    }
    const held = this.heldUntil(senderOn(link), to, envelope.message);
    const release = healed ? 0 : Math.max(held, this.#cloggedUntil.get(link) ?? 0);
    if (release > this.#scheduler.now) {
      this.counters.held += 1;
      delay += release - this.#scheduler.now;
    }
    if (!healed) this.lateUntil = Math.max(this.lateUntil, this.#scheduler.now + Math.ceil(delay));
    const tie = this.#draws.u32("tie", occasion, copy, twin);
    this.#scheduler.at(this.#scheduler.now + Math.ceil(delay), tie, host, code, envelope);
  }

  /**
   * As the stream of a connection carries it: framed, read in pieces; null where a byte on the way is another one, which
   * must be noticed.
   */
  #throughStream(envelope: Envelope, occasion: number, copy: number, isCorrupted: boolean): Envelope | null {
    this.#writer.reset();
    writeFrame(this.#writer, () => encodeEnvelope(this.#writer, envelope));
    const bytes = this.#writer.bytes().slice();
    const cut = this.#draws.below(bytes.length, "chunk", occasion, copy);
    if (isCorrupted)
      bytes[this.#draws.below(bytes.length, "corruption", occasion, copy, salts.corruption.messageByte)]! ^= 0x20;
    const reader = new FrameReader();
    let read: Envelope | null = null;
    try {
      for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)])
        reader.receive(piece, (body) => {
          read = decodeEnvelope(body);
        });
    } catch (error) {
      if (!(error instanceof BadBytes && isCorrupted)) throw error;
      return null;
    }
    frameMustBeReadIfWhole(isCorrupted, read !== null);
    return read;
  }
}
