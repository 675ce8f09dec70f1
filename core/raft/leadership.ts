/**
 * What exists only while a node leads: each peer's progress, the commit rule, ReadIndex rounds, cluster time.
 * Raft paper 5.3 and 5.4.2; flow control after etcd's probe and replicate states.
 */
import { assert } from "../assert.ts";
import type { Index, Micros, NodeId, Term } from "../units.ts";
import type { RaftLog } from "./log.ts";
import type { Append, AppendReply, Configuration, Outgoing, ReadGrant } from "./messages.ts";
import { committedIndex, isQuorum } from "./quorum.ts";
import { ReadRounds } from "./reads.ts";

export type ReplicationLimits = {
  readonly entriesPerAppendMax: number;
  readonly bytesPerAppendMax: number;
  readonly entriesInFlightMax: number;
};

export type Progress = {
  /** The peer's log equals the leader's up to here, durably. Never falls. Invariant: match < next. */
  match: Index;
  next: Index;
  /** Probing: where the logs agree is not known, one append at a time. Otherwise entries are streamed ahead of the replies. */
  probing: boolean;
  /** A probe is on its way; the next heartbeat or reply frees it. */
  probeSent: boolean;
  /** Counts the times that probing began. */
  stream: number;
  ackRound: number;
  sentRound: number;
  sentCommit: Index;
  /** When the peer was last heard of in this term. */
  heardAt: Micros;
};

export class Leadership {
  readonly term: Term;
  readonly progress = new Map<NodeId, Progress>();
  readonly reads = new ReadRounds();
  readonly #self: NodeId;
  readonly #log: RaftLog;
  readonly #limits: ReplicationLimits;
  /** Cluster time = the last stamp before this leadership + the leader's own time since. */
  readonly #clusterBase: Micros;
  readonly #since: Micros;

  constructor(
    self: NodeId,
    term: Term,
    log: RaftLog,
    configuration: Configuration,
    limits: ReplicationLimits,
    now: Micros,
  ) {
    this.#self = self;
    this.term = term;
    this.#log = log;
    this.#limits = limits;
    this.#since = now;
    this.#clusterBase = log.lastIndex > log.baseIndex ? log.entryAt(log.lastIndex).clusterMicros : 0;
    for (const member of configuration.members) {
      if (member.id === self) continue;
      this.progress.set(member.id, {
        match: 0,
        next: log.lastIndex + 1,
        probing: true,
        probeSent: false,
        stream: 1,
        ackRound: 0,
        sentRound: 0,
        sentCommit: 0,
        heardAt: now,
      });
    }
  }

  clusterMicros(now: Micros): Micros {
    return this.#clusterBase + (now - this.#since);
  }

  /** Whether a quorum, this node included, was heard of since `since`: check-quorum (thesis 6.2). */
  quorumHeardSince(since: Micros, configuration: Configuration): boolean {
    return isQuorum(configuration, (voter) => voter === this.#self || this.#of(voter).heardAt >= since);
  }

  /** The index that may be committed now: on a quorum durably, and of the leader's own term (5.4.2). */
  committable(configuration: Configuration): Index {
    const index = committedIndex(configuration, (voter) =>
      voter === this.#self ? this.#log.durableIndex : this.#of(voter).match,
    );
    return index > this.#log.baseIndex && this.#log.termAt(index) === this.term ? index : 0;
  }

  /** Reads whose round a quorum has confirmed. `commit` must be of this term, or no round is opened. */
  grantReads(configuration: Configuration): ReadGrant[] {
    const confirmed = committedIndex(configuration, (voter) =>
      voter === this.#self ? this.reads.round : this.#of(voter).ackRound,
    );
    return this.reads.grant(confirmed);
  }

  onReply(from: NodeId, reply: AppendReply, now: Micros): void {
    const peer = this.progress.get(from);
    if (peer === undefined) return;
    peer.heardAt = now;
    assert(reply.round <= this.reads.round, "nobody acknowledges a round that was not opened");
    peer.ackRound = Math.max(peer.ackRound, reply.round);
    if (reply.success) {
      assert(reply.matchIndex <= this.#log.lastIndex, "nobody holds more of this leader's log than the leader");
      peer.match = Math.max(peer.match, reply.matchIndex);
      peer.next = Math.max(peer.next, peer.match + 1);
      peer.probing = false;
      peer.probeSent = false;
      return;
    }
    if (reply.stream !== peer.stream || reply.prevIndex <= peer.match) return;
    const agreed = this.#log.lastPossibleMatch(reply.hintIndex, reply.hintTerm);
    peer.next = Math.max(peer.match, Math.min(agreed, reply.prevIndex - 1)) + 1;
    peer.probing = true;
    peer.probeSent = false;
    peer.stream += 1;
  }

  /** Everything this turn owes to the peers: new entries, a newer commit index, an open round, a heartbeat when `due`. */
  compose(commit: Index, due: boolean): Outgoing[] {
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
    if (peer.next > this.#log.lastIndex) return false;
    if (peer.probing) return !peer.probeSent;
    return peer.next - 1 - peer.match < this.#limits.entriesInFlightMax;
  }

  #appendTo(to: NodeId, peer: Progress, commit: Index, out: Outgoing[]): void {
    const message = this.#message(peer, commit, this.#limits.entriesPerAppendMax);
    out.push({ to, message });
    if (peer.probing) peer.probeSent = true;
    else peer.next += message.entries.length;
  }

  #message(peer: Progress, commit: Index, entriesMax: number): Append {
    const prevIndex = peer.next - 1;
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
