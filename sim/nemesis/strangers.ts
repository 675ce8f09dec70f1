/**
 * Strangers on the peer port: a founder of another cluster whose list has a mistyped URL, a member of another cluster, a
 * machine that nobody knows, a copy of a member's directory, and bytes that never become a message. And strangers who
 * listen where a member is dialled.
 */
import { Writer } from "../../core/bytes.ts";
import type { Node } from "../../core/node/node.ts";
import { Inbound, Outbound } from "../../core/protocol/connection.ts";
import { encodeHandshake, type Handshake, protocolVersion, writeFrame } from "../../core/protocol/frame.ts";
import { encodeEnvelope } from "../../core/protocol/message-codec.ts";
import type { Envelope, Message } from "../../core/protocol/message.ts";
import { passed } from "../../core/result.ts";
import type { Index, Micros, NodeId, Term } from "../../core/units.ts";
import { type Draws, salts } from "../draws.ts";
import {
  laterStartMustNotReplaceLiving,
  strangerMustNotEndMember,
  strangerMustNotBeMember,
  strangerMustNotRebind,
  termMustNotComeFromStranger,
  unfinishedFrameMustBeRefused,
} from "../laws/strangers.ts";
import type { Plan } from "../plan/plan.ts";
import type { Scheduler, Target } from "../scheduler.ts";
import type { Trace } from "../trace/trace.ts";
import { isStrange, strangeUrl } from "../world/addresses.ts";
import { type Host, hostEvents, type Request } from "../world/host.ts";
import { strangeDistance, strangeStore } from "../world/squatters.ts";

const beatMicros: Micros = 250_000;
const strangeCluster = "6".repeat(32);
/** More than any node holds of a frame that somebody it does not know has begun. */
const unfinishedBytes = 64 * 1024;
const strangeVerdicts = ["guest", "removed", "outdated-copy", "lost-entries"] as const;
/** An id that no machine has. */
const unknownId: NodeId = 50;

/** What strangers ask of the nemesis. */
export type StrangeWorld = {
  readonly scheduler: Scheduler;
  readonly draws: Draws;
  readonly plan: Plan;
  readonly hosts: readonly Host[];
  readonly trace: Trace;
  /** Is called for each stranger that comes. */
  readonly count: () => void;
  /** Whether the node's own stream to that peer stands, with no stranger at the other end. */
  readonly reaches: (from: NodeId, to: NodeId) => boolean;
};

/** One for each run. Nothing that they say may change what a member holds. */
export class Strangers implements Target {
  readonly #scheduler: Scheduler;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #hosts: readonly Host[];
  readonly #trace: Trace;
  readonly #world: StrangeWorld;
  #beat = 0;
  #stopped = false;

  constructor(world: StrangeWorld) {
    const { scheduler, draws, plan, hosts, trace } = world;
    this.#scheduler = scheduler;
    this.#draws = draws;
    this.#plan = plan;
    this.#hosts = hosts;
    this.#trace = trace;
    this.#world = world;
    if (plan.faults.stranger > 0) scheduler.at(beatMicros, 2, this, 0, null);
  }

  /** All that they say is of this term. */
  get #strangeTerm(): Term {
    return this.#plan.origin.term + strangeDistance;
  }

  /** All entries that they speak of. */
  get #strangeIndex(): Index {
    return this.#plan.origin.index + strangeDistance;
  }

  /** Nobody comes any more. */
  stop(): void {
    this.#stopped = true;
  }

  on(): void {
    if (this.#stopped) return;
    this.#beat += 1;
    this.#scheduler.at(this.#scheduler.now + beatMicros, 2, this, 0, null);
    for (const host of this.#hosts) {
      if (host.node === null || !this.#draws.chance(this.#plan.faults.stranger, "stranger", host.id, this.#beat))
        continue;
      this.#world.count();
      this.#ask(host, 0, (node) => this.#comeTo(host, node, this.#beat));
      this.#ask(host, 1, (node) => {
        mustBeUntouched(host.id, node, this.#strangeTerm);
        strangerMustNotRebind(host.id, node.incarnation, this.#strangeIndex);
        this.#listenAsMember(host, node, this.#beat);
      });
    }
  }

  #ask(host: Host, k: number, run: (node: Node) => void): void {
    const request: Request = { run, refused: () => undefined };
    const tie = this.#draws.u32("tie", host.id, this.#beat, k, salts.tie.stranger);
    this.#scheduler.at(this.#scheduler.now + 1 + k, tie, host, hostEvents.request, request);
  }

  /** A stream of the stranger's, through the very listener's end that peers meet. */
  #comeTo(host: Host, node: Node, beat: number): void {
    const draw = (bound: number, k: number): number => this.#draws.below(bound, "stranger", host.id, beat, 1 + k);
    this.#trace.line(this.#scheduler.now, "stranger", host.id);
    if (draw(4, 8) === 0) return this.#dialAsLaterStart(host, node, draw);
    const isMember = draw(2, 0) === 0;
    const machines = this.#plan.nodes + this.#plan.spares;
    const id = isMember ? 1 + ((host.id + draw(Math.max(1, machines - 1), 1)) % machines) : unknownId;
    const own = node.status().cluster;
    // A node that takes no part yet cannot tell which cluster is the right one.
    const clusters = node.replica === null ? [""] : isMember ? ["", strangeCluster] : ["", strangeCluster, own];
    const cluster = clusters[draw(clusters.length, 2)]!;
    const handshake: Handshake = {
      versionMin: protocolVersion,
      versionMax: protocolVersion,
      cluster,
      node: id === host.id ? unknownId : id,
      incarnation: 0,
      boot: 1 + draw(2, 3) * 1_000,
      nonce: draw(1_000, 6),
      takesPart: draw(2, 7) === 0,
      storeId: strangeStore,
      to: host.id,
      url: `${strangeUrl}-${draw(5, 4)}`,
    };
    const inbound = new Inbound({
      checkHandshake: (theirs) => node.checkHandshake(theirs),
      receive: (envelope, answer) => node.receive(envelope, answer),
    });
    if (!inbound.receive(framed((writer) => encodeHandshake(writer, handshake))).ok) return;
    if (draw(4, 5) === 0) return mustRefuse(host.id, node, inbound);
    for (let k = 0; k < 4; k++) {
      const said = this.#envelope(handshake, node, host.id, (bound, n) => draw(bound, 10 + 10 * k + n));
      if (!inbound.receive(framed((writer) => encodeEnvelope(writer, said))).ok) return;
    }
  }

  /**
   * The node dials a member, and a stranger listens there. It knows what the node has just said of itself, and says
   * that the node is out, or that its directory is an older copy; to a node that takes no part yet, also that it was
   * rebound.
   */
  #listenAsMember(host: Host, node: Node, beat: number): void {
    const draw = (bound: number, k: number): number => this.#draws.below(bound, "strangeListener", host.id, beat, k);
    const id = 1 + ((host.id + draw(Math.max(1, this.#plan.nodes - 1), 0)) % this.#plan.nodes);
    const ours = node.handshake(id);
    // A node that knows no cluster yet believes the peers that its operator has named.
    if (id === host.id || ours === null || ours.cluster === "") return;
    const believed: string[] = [];
    const outbound = new Outbound(
      ours,
      {
        checkListener: () => passed,
        isBound: (theirs) => node.isBound(theirs),
        receive: (envelope) => {
          if (envelope.message.kind === "removed") believed.push("removed");
          else node.receive(envelope, () => undefined, strangeUrl);
        },
      },
      1,
    );
    const theirs: Handshake = {
      ...ours,
      cluster: draw(4, 1) === 0 ? "" : ours.cluster,
      node: id,
      incarnation: draw(2, 2) === 0 ? 0 : ours.incarnation,
      takesPart: draw(2, 3) === 0,
      storeId: ["", strangeStore, ours.storeId][draw(3, 4)]!,
      to: host.id,
      url: strangeUrl,
    };
    const verdict = strangeVerdicts[draw(strangeVerdicts.length, 5)]!;
    const inbound = new Inbound({ checkHandshake: () => ({ kind: verdict, ours: theirs }), receive: () => undefined });
    inbound.receive(outbound.take()!);
    const closing = outbound.receive(inbound.takeReply()!);
    if (closing !== null && closing.kind !== "other") believed.push(closing.kind);
    const { storeId, incarnation } = ours;
    const rebound: Message = {
      kind: "join-accepted",
      storeId,
      term: this.#strangeTerm,
      incarnation: this.#strangeIndex,
      genesis: [storeId],
      founders: [strangeUrl],
    };
    const removed: Message = { kind: "removed", storeId: "", incarnation, reason: "removed" };
    for (const message of ours.takesPart ? [removed] : [rebound, removed]) {
      if (closing !== null) break;
      const [from, fromIncarnation, fromBoot] = [id, theirs.incarnation, theirs.boot];
      const [to, toIncarnation] = [host.id, incarnation];
      const told = { cluster: ours.cluster, from, fromIncarnation, fromBoot, to, toIncarnation, message };
      outbound.receive(framed((writer) => encodeEnvelope(writer, told)));
    }
    strangerMustNotEndMember(host.id, id, believed[0]);
  }

  /** A copy of a member's directory, which was started more often than the member: by its own word a later start. */
  #dialAsLaterStart(host: Host, node: Node, draw: (bound: number, k: number) => number): void {
    const id = 1 + ((host.id + draw(Math.max(1, this.#plan.nodes - 1), 9)) % this.#plan.nodes);
    const start = this.#hosts[id - 1]!.node?.handshake(host.id) ?? null;
    if (node.replica === null || id === host.id || start?.takesPart !== true) return;
    const isConnected = this.#world.reaches(host.id, id) && !node.isDoubtful(start);
    const later = { ...start, boot: start.boot + 1 + draw(2, 10) * 1_000, nonce: draw(1_000, 11), url: "" };
    laterStartMustNotReplaceLiving(host.id, id, isConnected, node.checkHandshake(later).kind);
  }

  /** What it says once its handshake was taken. Only a reader of a status knows the cluster id from outside. */
  #envelope(from: Handshake, node: Node, to: NodeId, draw: (bound: number, k: number) => number): Envelope {
    const { cluster: own, incarnation } = node.status();
    const knowsCluster = draw(2, 0) === 0 && from.node === unknownId;
    const [term, lastIndex] = [this.#strangeTerm, this.#strangeIndex];
    const anybody: readonly Message[] = [
      { kind: "removed", storeId: "", incarnation, reason: "removed" },
      { kind: "removed", storeId: strangeStore, incarnation: 0, reason: "too-few-voters" },
      { kind: "bootstrap-hello", storeId: strangeStore, urls: [`${strangeUrl}-1`, `${strangeUrl}-2`], round: 1 },
      {
        kind: "bootstrap-reply",
        storeId: strangeStore,
        urls: [`${strangeUrl}-1`],
        asker: strangeStore,
        boot: 1,
        round: 1,
        seen: [strangeStore],
        genesis: [strangeStore],
      },
      {
        kind: "join-accepted",
        storeId: strangeStore,
        term,
        incarnation: 0,
        genesis: [strangeStore],
        founders: [`${strangeUrl}-1`],
      },
      { kind: "join-request", storeId: strangeStore, incarnation: 0, lost: from.boot > 1 ? strangeStore : "" },
    ];
    const foreign: readonly Message[] = [
      { kind: "vote", term, lastIndex, lastTerm: term, transfer: true },
      { kind: "pre-vote", term, attempt: 1, lastIndex, lastTerm: term },
      {
        kind: "append",
        term,
        prevIndex: 0,
        prevTerm: 0,
        commit: 0,
        round: 1,
        stream: 1,
        entries: [],
      },
      { kind: "vote-reply", term, granted: false },
      { kind: "timeout-now", term },
    ];
    const messages = knowsCluster ? anybody : [...anybody, ...foreign];
    return {
      cluster: knowsCluster ? own : from.cluster === own ? "" : from.cluster,
      from: from.node,
      fromIncarnation: from.incarnation,
      fromBoot: from.boot,
      to,
      toIncarnation: incarnation,
      message: messages[draw(messages.length, 1)]!,
    };
  }
}

function framed(encode: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  writeFrame(writer, () => encode(writer));
  return writer.bytes().slice();
}

/** A frame that is announced as large and never ends: a member buffers little of a stranger's frame. */
function mustRefuse(id: NodeId, node: Node, inbound: Inbound): void {
  const begun = new Uint8Array(unfinishedBytes);
  begun[2] = 0x10;
  const { ok } = inbound.receive(begun);
  unfinishedFrameMustBeRefused(id, begun.length, node.replica === null || !ok);
}

/** Just after a stranger has come to `node`. */
function mustBeUntouched(id: NodeId, node: Node, strangeTerm: Term): void {
  const raft = node.replica?.raft;
  if (raft === undefined) return;
  termMustNotComeFromStranger(id, raft.term, strangeTerm);
  const isOurs = raft.configuration.members.every(({ url, storeId }) => !isStrange(url) && storeId !== strangeStore);
  strangerMustNotBeMember(id, isOurs);
}
