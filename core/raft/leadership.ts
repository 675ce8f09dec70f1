/**
 * What exists only while a node leads: each peer's progress, the commit rule, ReadIndex rounds, cluster time.
 * Raft paper 5.3 and 5.4.2; flow control after etcd's probe and replicate states.
 */
import { assert } from "../assert.ts";
import type { Configuration } from "../protocol/configuration.ts";
import { makeEntry } from "../protocol/entry-codec.ts";
import { noopProposal, type Proposal } from "../protocol/entry.ts";
import type { Append, AppendReply, Outgoing } from "../protocol/message.ts";
import type { Index, Micros, NodeId, Term } from "../units.ts";
import { InFlight, type InFlightLimits } from "./in-flight.ts";
import type { RaftLog } from "./log.ts";
import { enterJoint, isJoint, leaveJoint, memberOf } from "./membership.ts";
import type { ReadGrant } from "./ready.ts";
import { committedIndex, isQuorum } from "./quorum.ts";
import { ReadIndexRounds } from "./read-index-rounds.ts";

export type ReplicationLimits = InFlightLimits & {
  readonly entriesPerAppendMax: number;
  readonly bytesPerAppendMax: number;
};

export type LeadershipOptions = ReplicationLimits & {
  readonly electionMicros: Micros;
  readonly heartbeatMicros: Micros;
  /** Proposals that would leave more than this uncommitted, or not durable here, are refused (but one is always taken). */
  readonly uncommittedBytesMax: number;
};

/** Of clocks: each gains or loses at most so much of true time. */
const clockRateBound = 0.01;
/** A lease of E on the fastest clock, measured on the slowest. */
const leaseShare = (1 - clockRateBound) / (1 + clockRateBound);
const longAgo: Micros = -1e15;

type Transfer = { readonly to: NodeId; readonly deadline: Micros; told: boolean };

export type Progress = {
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
  /** When the peer was last heard of in this term. */
  heardAt: Micros;
  /** Since when a committed configuration does not have it; Infinity while it is a member. */
  goneSince: Micros;
};

export class Leadership {
  readonly term: Term;
  /** By member, in the order of the configuration; one that was just removed stays until it has been told. */
  readonly progress = new Map<NodeId, Progress>();
  readonly reads = new ReadIndexRounds();
  readonly #self: NodeId;
  readonly #log: RaftLog;
  readonly #limits: LeadershipOptions;
  /** Cluster time = the last stamp before this leadership + the leader's own time since. */
  readonly #clusterBase: Micros;
  readonly #since: Micros;
  /** Of the entries after `#settled`: up to there they are committed, and durable here. */
  #unsettledBytes = 0;
  #settled: Index;
  /** When the next heartbeat is due. */
  heartbeatAt: Micros;
  quorumCheckAt: Micros;
  #transfer: Transfer | null = null;
  #timeoutNowSent = false;

  /** Becomes the leader: opens the term with an entry of its own (5.4.2: until it is committed, nothing is known to be). */
  constructor(self: NodeId, term: Term, log: RaftLog, commit: Index, options: LeadershipOptions, now: Micros) {
    this.#self = self;
    this.term = term;
    this.#log = log;
    this.#limits = options;
    this.#since = now;
    this.#clusterBase = log.lastIndex > log.baseIndex ? log.entryAt(log.lastIndex).clusterMicros : log.baseMicros;
    this.heartbeatAt = now;
    this.quorumCheckAt = now + options.electionMicros;
    this.trackMembers(now);
    this.#settled = Math.min(commit, log.durableIndex);
    for (let index = this.#settled + 1; index <= log.lastIndex; index++) {
      this.#unsettledBytes += log.entryAt(index).bytes.length;
    }
    this.append(now, [noopProposal]);
  }

  /** Whether a heartbeat is due now; then the next one is due an interval later. */
  heartbeatDue(now: Micros): boolean {
    if (now < this.heartbeatAt) return false;
    this.heartbeatAt = now + this.#limits.heartbeatMicros;
    return true;
  }

  #clusterMicros(now: Micros): Micros {
    return this.#clusterBase + (now - this.#since);
  }

  get configuration(): Configuration {
    return this.#log.configurations.latest.configuration;
  }

  /** Begins to replicate to members that are new. */
  trackMembers(now: Micros): void {
    for (const { id, incarnation } of this.configuration.members) {
      if (id === this.#self || this.progress.get(id)?.incarnation === incarnation) continue;
      this.progress.set(id, {
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
        heardAt: now,
        goneSince: Infinity,
      });
    }
  }

  /**
   * Forgets those that the newest configuration, committed at `index`, does not have: each once it holds that entry and has
   * been told that it is committed, for then it can answer all its clients; or after an election timeout.
   */
  dropRemovedPeers(index: Index, now: Micros): void {
    for (const [id, peer] of this.progress) {
      if (memberOf(this.configuration, id)?.incarnation === peer.incarnation) continue;
      peer.goneSince = Math.min(peer.goneSince, now);
      const isTold = peer.match >= index && peer.sentCommit >= index;
      if (isTold || now >= peer.goneSince + this.#limits.electionMicros) this.progress.delete(id);
    }
  }

  /** Whether `proposals` would leave too much uncommitted, or not durable here. One that comes alone is always taken. */
  isFull(proposals: readonly Proposal[]): boolean {
    let bytes = 0;
    for (const proposal of proposals) bytes += proposal.payload.length;
    return this.#unsettledBytes > 0 && this.#unsettledBytes + bytes > this.#limits.uncommittedBytesMax;
  }

  /** Appends all of `proposals`; returns the index of the first. */
  append(now: Micros, proposals: readonly Proposal[]): Index {
    const firstIndex = this.#log.lastIndex + 1;
    const clusterMicros = this.#clusterMicros(now);
    const entries = proposals.map((proposal, k) => makeEntry(firstIndex + k, this.term, clusterMicros, proposal));
    this.#log.append(entries);
    for (const entry of entries) this.#unsettledBytes += entry.bytes.length;
    return firstIndex;
  }

  /** The commit index is `commit`, or what is durable here has grown. A leader whose disk lags must not take more for ever. */
  settle(commit: Index): void {
    const through = Math.min(commit, this.#log.durableIndex);
    for (; this.#settled < through; this.#settled++)
      this.#unsettledBytes -= this.#log.entryAt(this.#settled + 1).bytes.length;
  }

  // --- handing over (thesis 3.10)

  get transferee(): NodeId {
    return this.#transfer?.to ?? 0;
  }

  /** From now on nothing is proposed; `to` is sent timeout-now as soon as it holds everything; the transfer ends at `deadline`. */
  beginTransfer(to: NodeId, deadline: Micros): void {
    this.#transfer = { to, deadline, told: false };
  }

  /** The node to send timeout-now to, or 0. */
  transferStep(now: Micros): NodeId {
    const transfer = this.#transfer;
    if (transfer === null) return 0;
    if (now >= transfer.deadline) {
      this.#transfer = null;
      return 0;
    }
    if (transfer.told || this.progress.get(transfer.to)?.match !== this.#log.lastIndex) return 0;
    transfer.told = true;
    this.onTimeoutNowSent();
    return transfer.to;
  }

  /** The voter that is furthest, besides those of `unfit`: whom to hand over to. 0 where there is none. */
  successor(unfit: (id: NodeId) => boolean = () => false): NodeId {
    let best: NodeId = 0;
    for (const id of this.configuration.voters) {
      const match = this.progress.get(id)?.match ?? -1;
      if (id !== this.#self && !unfit(id) && match > (this.progress.get(best)?.match ?? -1)) best = id;
    }
    return best;
  }

  isActive(id: NodeId, since: Micros): boolean {
    return id === this.#self || (this.progress.get(id)?.heardAt ?? -1) >= since;
  }

  /**
   * Whether `id` answered since then and can go on from the entries of this log: a follower that waits for a snapshot is not
   * counted on to commit what comes next, and not handed over to.
   */
  isFit(id: NodeId, since: Micros): boolean {
    if (id === this.#self) return true;
    return this.isActive(id, since) && (this.progress.get(id)?.match ?? -1) >= this.#log.baseIndex;
  }

  /** Why `next` cannot be proposed yet, or null. One change at a time: the next begins when the one before is committed. */
  configChangeBlocker(commit: Index, next: Configuration): "change-in-flight" | "transferring" | null {
    const isOpen = this.#log.configurations.latest.index > commit;
    if (isOpen || (isJoint(this.configuration) && isJoint(next))) return "change-in-flight";
    return this.transferee === 0 ? null : "transferring";
  }

  /** What the leader proposes by itself: to leave a joint configuration that is committed, to promote a learner that is ready. */
  nextConfiguration(commit: Index, now: Micros): Configuration | null {
    if (this.#log.configurations.latest.index > commit) return null;
    if (isJoint(this.configuration)) return leaveJoint(this.configuration);
    const learner = this.#learnerToPromote(now - this.#limits.electionMicros);
    return learner === 0 ? null : enterJoint(this.configuration, [...this.configuration.voters, learner]);
  }

  /** A learner that is to become a voter by itself, within a round of the log's end, with a quorum of what would then be. */
  #learnerToPromote(since: Micros): NodeId {
    const { learners, members, voters } = this.configuration;
    for (const { id, autoPromote, storeId } of members) {
      if (!autoPromote || storeId === "" || !learners.includes(id)) continue;
      const { match } = this.#of(id);
      const isCaughtUp = match + this.#limits.entriesPerAppendMax >= this.#log.lastIndex && match > 0;
      const active = [...voters, id].filter((voter) => this.isActive(voter, since)).length;
      if (isCaughtUp && this.isActive(id, since) && active * 2 > voters.length + 1) return id;
    }
    return 0;
  }

  /** Whether no quorum, this node included, was heard of for an election timeout: check-quorum (thesis 6.2). */
  hasLostQuorum(now: Micros): boolean {
    if (now < this.quorumCheckAt) return false;
    // Asked often, so that a leader cut off is gone soon after its followers' patience ends.
    this.quorumCheckAt = now + this.#limits.heartbeatMicros;
    return !isQuorum(this.configuration, (voter) => this.isActive(voter, now - this.#limits.electionMicros));
  }

  /** The index that may be committed now: on a quorum durably, and of the leader's own term (5.4.2). */
  committable(): Index {
    const index = committedIndex(this.configuration, (voter) =>
      voter === this.#self ? this.#log.durableIndex : this.#of(voter).match,
    );
    return index > this.#log.baseIndex && this.#log.termAt(index) === this.term ? index : 0;
  }

  /** Reads whose round a quorum has confirmed. `commit` must be of this term, or no round is opened. */
  grantReads(): ReadGrant[] {
    const confirmed = committedIndex(this.configuration, (voter) =>
      voter === this.#self ? this.reads.round : this.#of(voter).ackRound,
    );
    return this.reads.grant(confirmed);
  }

  /**
   * Until then nobody else can have been elected: the vote-withholding leases of a quorum, shortened by what two clocks may differ. Once
   * timeout-now was sent there is no lease for the rest of the term: its receiver campaigns against the voters' leases.
   */
  leaseUntil(now: Micros): Micros {
    if (this.#timeoutNowSent) return longAgo;
    const from = committedIndex(this.configuration, (voter) =>
      voter === this.#self ? now : this.#of(voter).leaseFrom,
    );
    return from + Math.floor(this.#limits.electionMicros * leaseShare);
  }

  /** From now on another node may be elected at any time. */
  onTimeoutNowSent(): void {
    this.#timeoutNowSent = true;
  }

  onPeerContact(from: NodeId, now: Micros): void {
    const peer = this.progress.get(from);
    if (peer !== undefined) peer.heardAt = now;
  }

  onReply(from: NodeId, reply: AppendReply, now: Micros): void {
    const peer = this.progress.get(from);
    if (peer === undefined) return;
    peer.heardAt = now;
    assert(reply.round <= this.reads.round, "nobody acknowledges a round that was not opened");
    peer.ackRound = Math.max(peer.ackRound, reply.round);
    peer.leaseFrom = Math.max(peer.leaseFrom, this.reads.openedAt(reply.round));
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
    peer.inFlight.clear();
    peer.probing = true;
    peer.probeSent = false;
    peer.stream += 1;
  }

  /** Everything this turn owes to the peers: new entries, a newer commit index, an open round, a heartbeat when `due`. */
  makeAppends(commit: Index, due: boolean): Outgoing[] {
    const out: Outgoing[] = [];
    // In the order of the configuration's members, which is the same on every run.
    for (const [to, peer] of this.progress) {
      let sent = false;
      if (due) peer.probeSent = false;
      while (this.#maySend(peer)) {
        this.#appendTo(to, peer, commit, out);
        sent = true;
      }
      const owed = due || peer.sentRound < this.reads.round || peer.sentCommit < Math.min(commit, peer.match);
      if (!sent && owed) out.push({ to, message: this.#message(peer, commit, 0) });
    }
    return out;
  }

  #maySend(peer: Progress): boolean {
    if (peer.next > this.#log.lastIndex || this.needsSnapshot(peer)) return false;
    if (peer.probing) return !peer.probeSent;
    return !peer.inFlight.isFull(this.#limits);
  }

  /** What the peer lacks is not in the log any more. */
  needsSnapshot(peer: Progress): boolean {
    return peer.next <= this.#log.baseIndex;
  }

  #appendTo(to: NodeId, peer: Progress, commit: Index, out: Outgoing[]): void {
    const message = this.#message(peer, commit, this.#limits.entriesPerAppendMax);
    out.push({ to, message });
    if (peer.probing) peer.probeSent = true;
    else {
      peer.inFlight.send(message.entries);
      peer.next += message.entries.length;
    }
  }

  #message(peer: Progress, commit: Index, entriesMax: number): Append {
    // To one that needs a snapshot, only a heartbeat: where the log begins.
    const prevIndex = Math.max(peer.next - 1, this.#log.baseIndex);
    peer.sentRound = this.reads.round;
    peer.sentCommit = commit;
    return {
      kind: "append",
      term: this.term,
      prevIndex,
      prevTerm: this.#log.termAt(prevIndex),
      commit,
      round: this.reads.round,
      stream: peer.stream,
      entries: entriesMax === 0 ? [] : this.#log.slice(peer.next, entriesMax, this.#limits.bytesPerAppendMax),
    };
  }

  #of(voter: NodeId): Progress {
    const progress = this.progress.get(voter);
    assert(progress !== undefined, "every voter has a progress");
    return progress;
  }
}
