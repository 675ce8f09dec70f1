/**
 * A leader's peers: what each holds, what is on its way to it, when it was last heard. Raft paper 5.3; flow control after
 * etcd's probe and replicate states.
 */
import { assert } from "../assert.ts";
import type { Index, Micros, NodeId } from "../units.ts";
import { InFlight } from "./in-flight.ts";
import { longAgo } from "./lease.ts";
import type { RaftLog } from "./log.ts";
import { isVoter, memberOf } from "./membership.ts";
import type { Append, AppendReply, Outgoing } from "../protocol/message.ts";
import type { Configuration } from "../protocol/configuration.ts";
import { isQuorum } from "./quorum.ts";
import type { ReadIndexRounds } from "./read-index-rounds.ts";
import type { ServerState } from "./server-state.ts";

type Progress = {
  readonly incarnation: Index;
  /** The peer's log equals the leader's up to here, durably. Never falls. Invariant: match < next. */
  match: Index;
  next: Index;
  readonly inFlight: InFlight;
  /** Probing: where the logs agree is not known, one append at a time. Otherwise entries are streamed ahead of the replies. */
  probing: boolean;
  /** A probe is on its way; the next heartbeat or reply frees it. */
  probeSent: boolean;
  /** Counts the times that probing began. */
  stream: number;
  ackRound: number;
  /** When that round was opened: from then on the peer withholds its vote from others for an election timeout. */
  leaseFrom: Micros;
  sentRound: number;
  sentCommit: Index;
  /** When the peer was last heard of in this term; long ago before: a leader that was just elected knows of nobody. */
  heardAt: Micros;
  /** Since when a committed configuration does not have it; Infinity while it is a member. */
  goneSince: Micros;
};

/** What may be known outside of how far a peer is. */
export type PeerProgress = Readonly<Pick<Progress, "incarnation" | "match" | "next" | "heardAt">>;

/** One leadership's knowledge of its peers. It begins without any: only their answers say what they hold. */
export class Replication {
  readonly #self: NodeId;
  readonly #server: ServerState;
  readonly #log: RaftLog;
  readonly #reads: ReadIndexRounds;
  /** By member, in the order in which they were tracked; a removed member stays for an election timeout. */
  readonly #progress = new Map<NodeId, Progress>();

  /** `reads`: the rounds that appends carry, and their replies confirm. */
  constructor(server: ServerState, reads: ReadIndexRounds) {
    this.#self = server.options.id;
    this.#server = server;
    this.#log = server.log;
    this.#reads = reads;
    this.trackMembers();
  }

  get configuration(): Configuration {
    return this.#server.configuration;
  }

  get peers(): Iterable<NodeId> {
    return this.#progress.keys();
  }

  progressOf(id: NodeId): PeerProgress | null {
    return this.#progress.get(id) ?? null;
  }

  /** Of a voter that is not this node. */
  of(voter: NodeId): Readonly<Progress> {
    const progress = this.#progress.get(voter);
    assert(progress !== undefined, "every voter has a progress");
    return progress;
  }

  /** Begins to replicate to members that are new. */
  trackMembers(): void {
    for (const { id, incarnation } of this.configuration.members) {
      if (id === this.#self || this.#progress.get(id)?.incarnation === incarnation) continue;
      this.#progress.set(id, {
        incarnation,
        match: 0,
        next: this.#log.lastIndex + 1,
        inFlight: new InFlight(),
        probing: true,
        probeSent: false,
        stream: 1,
        ackRound: 0,
        leaseFrom: longAgo,
        sentRound: 0,
        sentCommit: 0,
        heardAt: longAgo,
        goneSince: Infinity,
      });
    }
    const isTracked = (id: NodeId): boolean => id === this.#self || this.#progress.has(id);
    assert(this.configuration.voters.every(isTracked), "every voter has a progress");
  }

  /**
   * Forgets each peer that the newest configuration, which is committed, does not have, an election timeout later.
   * Until then a peer that is reached learns from its log that the entry is committed, and can answer all its clients.
   */
  dropRemovedPeers(now: Micros): void {
    for (const [id, peer] of this.#progress) {
      if (memberOf(this.configuration, id)?.incarnation === peer.incarnation) continue;
      peer.goneSince = Math.min(peer.goneSince, now);
      assert(!isVoter(this.configuration, id), "every voter's progress is of its present incarnation");
      if (now >= peer.goneSince + this.#server.options.electionMicros) this.#progress.delete(id);
    }
  }

  // --- who can be counted on

  isActive(id: NodeId, since: Micros): boolean {
    return id === this.#self || (this.#progress.get(id)?.heardAt ?? -1) >= since;
  }

  /**
   * Whether `id` answered since then and can go on from the entries of this log: a follower that waits for a snapshot is not
   * counted on to commit what comes next, and not handed over to.
   */
  isFit(id: NodeId, since: Micros): boolean {
    if (id === this.#self) return true;
    return this.isActive(id, since) && (this.#progress.get(id)?.match ?? -1) >= this.#log.baseIndex;
  }

  /** Whether a quorum, this node included, was heard of since then. */
  hasHeardQuorum(since: Micros): boolean {
    return isQuorum(this.configuration, (voter) => this.isActive(voter, since));
  }

  /** The voter that is furthest, besides those of `unfit`: whom to hand over to. 0 where there is none. */
  successor(unfit: (id: NodeId) => boolean): NodeId {
    let best: NodeId = 0;
    for (const id of this.configuration.voters) {
      const match = this.#progress.get(id)?.match ?? -1;
      if (id !== this.#self && !unfit(id) && match > (this.#progress.get(best)?.match ?? -1)) best = id;
    }
    return best;
  }

  // --- what comes from them

  onPeerContact(from: NodeId, now: Micros): void {
    const peer = this.#progress.get(from);
    if (peer === undefined) return;
    assert(now >= peer.heardAt, "time never goes back within a leadership");
    peer.heardAt = now;
  }

  onReply(from: NodeId, reply: AppendReply, now: Micros): void {
    const peer = this.#progress.get(from);
    if (peer === undefined) return;
    peer.heardAt = now;
    assert(reply.round <= this.#reads.round, "nobody acknowledges a round that was not opened");
    peer.ackRound = Math.max(peer.ackRound, reply.round);
    peer.leaseFrom = Math.max(peer.leaseFrom, this.#reads.openedAt(reply.round));
    if (reply.success) {
      assert(reply.matchIndex <= this.#log.lastIndex, "nobody holds more of this leader's log than the leader");
      peer.match = Math.max(peer.match, reply.matchIndex);
      peer.inFlight.acknowledge(peer.match);
      peer.next = Math.max(peer.next, peer.match + 1);
      peer.probing = false;
      peer.probeSent = false;
      return;
    }
    if (reply.stream !== peer.stream || reply.prevIndex <= peer.match) return;
    const agreed = this.#log.lastPossibleMatch(reply.hintIndex, reply.hintTerm);
    peer.next = Math.max(peer.match, Math.min(agreed, reply.prevIndex - 1)) + 1;
    assert(peer.next <= this.#log.lastIndex + 1, "nothing is sent beyond the log's end");
    peer.inFlight.clear();
    peer.probing = true;
    peer.probeSent = false;
    peer.stream += 1;
  }

  // --- what goes to them

  /** Everything this turn owes to the peers: new entries, a newer commit index, an open round, a heartbeat when `due`. */
  makeAppends(due: boolean): Outgoing[] {
    const { commit } = this.#server;
    const out: Outgoing[] = [];
    // In the order in which members were tracked, which is the same on every run.
    for (const [to, peer] of this.#progress) {
      assert(peer.match < peer.next, "nothing is sent again that a peer durably holds");
      let sent = false;
      if (due) peer.probeSent = false;
      while (this.#maySend(peer)) {
        out.push({ to, message: this.#appendTo(peer) });
        sent = true;
      }
      const owed = due || peer.sentRound < this.#reads.round || peer.sentCommit < Math.min(commit, peer.match);
      if (!sent && owed) out.push({ to, message: this.#message(peer, 0) });
    }
    return out;
  }

  #maySend(peer: Progress): boolean {
    if (peer.next > this.#log.lastIndex || this.#needsSnapshot(peer)) return false;
    if (peer.probing) return !peer.probeSent;
    return !peer.inFlight.isFull(this.#server.options);
  }

  /** What `id` lacks is not in the log any more. */
  needsSnapshot(id: NodeId): boolean {
    const peer = this.#progress.get(id);
    return peer !== undefined && this.#needsSnapshot(peer);
  }

  #needsSnapshot(peer: Progress): boolean {
    return peer.next <= this.#log.baseIndex;
  }

  #appendTo(peer: Progress): Append {
    const message = this.#message(peer, this.#server.options.entriesPerAppendMax);
    if (peer.probing) peer.probeSent = true;
    else {
      peer.inFlight.send(message.entries);
      peer.next += message.entries.length;
    }
    assert(peer.next <= this.#log.lastIndex + 1, "nothing is sent beyond the log's end");
    return message;
  }

  #message(peer: Progress, entriesMax: number): Append {
    const { commit, options, term } = this.#server;
    // A peer that needs a snapshot gets only a heartbeat: where the log begins.
    const prevIndex = Math.max(peer.next - 1, this.#log.baseIndex);
    assert(peer.sentRound <= this.#reads.round, "rounds rise within a leadership");
    peer.sentRound = this.#reads.round;
    assert(peer.sentCommit <= commit, "the commit index never falls");
    peer.sentCommit = commit;
    return {
      kind: "append",
      term,
      prevIndex,
      prevTerm: this.#log.termAt(prevIndex),
      commit,
      round: this.#reads.round,
      stream: peer.stream,
      entries: entriesMax === 0 ? [] : this.#log.slice(peer.next, entriesMax, options.bytesPerAppendMax),
    };
  }
}
