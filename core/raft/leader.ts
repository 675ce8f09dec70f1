/**
 * A leader: what exists only while a node leads. It appends, replicates, commits (Raft paper 5.3 and 5.4.2), gives entries
 * their cluster time, confirms reads, changes the configuration (thesis 4), hands over (thesis 3.10).
 */
import { assert } from "../assert.ts";
import type { Index, Micros, NodeId, Term } from "../units.ts";
import { makeEntry } from "../protocol/entry-codec.ts";
import { Lease } from "./lease.ts";
import type { RaftLog } from "./log.ts";
import { enterJoint, isJoint, isVoter, leaveJoint, stepProblem } from "./membership.ts";
import type { AppendReply } from "../protocol/message.ts";
import type { Configuration } from "../protocol/configuration.ts";
import { configurationProposal } from "../protocol/configuration-codec.ts";
import { entryKinds, noopProposal, type Proposal } from "../protocol/entry.ts";
import type { ReadGrant, ReadIndexRequest } from "./ready.ts";
import type { ConfigChangeRejection, Proposed, RaftOptions } from "./options.ts";
import { committedIndex } from "./quorum.ts";
import { ReadIndexRounds } from "./read-index-rounds.ts";
import { Replication } from "./replication.ts";
import type { ServerState } from "./server-state.ts";
import { Transfer } from "./transfer.ts";
import { UncommittedBytes } from "./uncommitted-bytes.ts";

/** What a leader's turn has brought. `isRemoved`: a committed configuration does not have it as a voter any more. */
export type LeaderTurn = { readonly reads: readonly ReadGrant[]; readonly isRemoved: boolean };

/** The role of a node that has won an election, until it steps down. Only Roles makes one. */
export class Leader {
  readonly role = "leader";
  readonly term: Term;
  readonly replication: Replication;
  readonly #server: ServerState;
  readonly #self: NodeId;
  readonly #log: RaftLog;
  readonly #options: RaftOptions;
  readonly #reads: ReadIndexRounds;
  readonly #transfer = new Transfer();
  readonly #lease: Lease;
  readonly #uncommitted: UncommittedBytes;
  /** Cluster time = the last stamp before this leadership + the leader's own time since. */
  readonly #clusterBase: Micros;
  readonly #since: Micros;
  /** When the next heartbeat is due. */
  #heartbeatAt: Micros;
  #quorumCheckAt: Micros;

  /** Becomes the leader: opens the term with an entry of its own (5.4.2: until it is committed, nothing is known to be). */
  constructor(server: ServerState, now: Micros) {
    const { commit, log, options, term } = server;
    assert(server.vote === options.id, "a leader has voted for itself");
    assert(!server.outbox.holding, "a leader's term and vote are durable");
    this.term = term;
    this.#server = server;
    this.#self = options.id;
    this.#log = log;
    this.#options = options;
    this.#since = now;
    this.#clusterBase = log.lastIndex > log.baseIndex ? log.entryAt(log.lastIndex).clusterMicros : log.baseMicros;
    this.#heartbeatAt = now;
    this.#quorumCheckAt = now + options.electionMicros;
    this.#lease = new Lease(options.electionMicros);
    this.#reads = new ReadIndexRounds(options.readRoundsMax);
    this.replication = new Replication(server, this.#reads);
    this.#uncommitted = new UncommittedBytes(log, commit, options.uncommittedBytesMax);
    server.forwards.open(term);
    this.#append(now, [noopProposal]);
  }

  /** Appends all of `proposals` or none. */
  propose(now: Micros, proposals: readonly Proposal[]): Proposed {
    const areCommands = proposals.every(({ kind }) => kind === entryKinds.command);
    assert(areCommands, "configurations pass through proposeConfiguration");
    if (this.transferee !== 0 || this.#uncommitted.isFull(proposals))
      return { ok: false, code: "busy", definite: true };
    return { ok: true, value: this.#append(now, proposals) };
  }

  /** Returns the index of the first. */
  #append(now: Micros, proposals: readonly Proposal[]): Index {
    const firstIndex = this.#log.lastIndex + 1;
    const clusterMicros = this.#clusterBase + (now - this.#since);
    const entries = proposals.map((proposal, k) => makeEntry(firstIndex + k, this.term, clusterMicros, proposal));
    assert(now >= this.#since, "cluster time never falls");
    this.#log.append(entries);
    assert(this.#log.lastTerm === this.term, "a leader's log ends in its own term");
    this.#uncommitted.add(entries);
    return firstIndex;
  }

  // --- what comes from the peers

  onReply(from: NodeId, reply: AppendReply, now: Micros): void {
    assert(reply.term === this.term, "a leader counts only answers to itself");
    this.replication.onReply(from, reply, now);
  }

  requestReadIndex(ask: ReadIndexRequest): void {
    this.#reads.add(ask);
  }

  // --- the turn

  /** Does what is due, and says what the peers are to be told; all of it in this order. */
  advance(now: Micros): LeaderTurn {
    assert(this.#server.term === this.term, "a leader leads the term that its node is in");
    this.advanceCommit();
    const next = this.#nextConfiguration(now);
    if (next !== null) this.proposeConfiguration(now, next);
    const due = this.#heartbeatDue(now);
    if (this.#server.committedInTerm) this.#reads.open(this.#server.commit, now, due);
    for (const { to, message } of this.replication.makeAppends(due)) this.#server.send(to, message);
    const reads = this.#grantReads();
    const successor = this.#transfer.step(now, (id) => this.replication.progressOf(id)?.match === this.#log.lastIndex);
    if (successor !== 0) this.#sendTimeoutNow(successor);
    return { reads, isRemoved: this.#dropRemovedPeers(now) };
  }

  get wakeAt(): Micros {
    return Math.min(this.#heartbeatAt, this.#quorumCheckAt);
  }

  /** Whether a heartbeat is due now; then the next one is due an interval later. */
  #heartbeatDue(now: Micros): boolean {
    if (now < this.#heartbeatAt) return false;
    this.#heartbeatAt = now + this.#options.heartbeatMicros;
    assert(this.#heartbeatAt > now, "the next heartbeat lies ahead");
    return true;
  }

  /** Whether no quorum was heard of for an election timeout: check-quorum (thesis 6.2). */
  hasLostQuorum(now: Micros): boolean {
    if (now < this.#quorumCheckAt) return false;
    // Asked often, so that a leader cut off is gone soon after its followers' patience ends.
    this.#quorumCheckAt = now + this.#options.heartbeatMicros;
    assert(this.#quorumCheckAt > now, "the next check of the quorum lies ahead");
    return !this.replication.hasHeardQuorum(now - this.#options.electionMicros);
  }

  /** Commits what can be. Call it also when more of the own log is durable. */
  advanceCommit(): void {
    assert(this.#log.lastTerm === this.term, "a leader's log ends in its own term");
    this.#server.commitUpTo(this.#committable());
    this.#uncommitted.settle(this.#server.commit);
  }

  /** The index that may be committed now: on a quorum durably, and of the leader's own term (5.4.2). */
  #committable(): Index {
    const index = committedIndex(this.#server.configuration, (voter) =>
      voter === this.#self ? this.#log.durableIndex : this.replication.of(voter).match,
    );
    return index > this.#log.baseIndex && this.#log.termAt(index) === this.term ? index : 0;
  }

  /** Reads whose round a quorum has confirmed. */
  #grantReads(): ReadGrant[] {
    const confirmed = committedIndex(this.#server.configuration, (voter) =>
      voter === this.#self ? this.#reads.round : this.replication.of(voter).ackRound,
    );
    return this.#reads.grant(confirmed);
  }

  /** The index to read at if no other leader can have been elected at `now`, which is after the read came; else null. */
  leaseRead(now: Micros): Index | null {
    const from = committedIndex(this.#server.configuration, (voter) =>
      voter === this.#self ? now : this.replication.of(voter).leaseFrom,
    );
    const holds = this.#server.committedInTerm && now < this.#lease.until(from);
    return holds ? this.#server.commit : null;
  }

  // --- changes of the configuration

  /** Appends `configuration`, which is in force at once; or says why it cannot be, now or ever. */
  proposeConfiguration(now: Micros, configuration: Configuration): ConfigChangeRejection | null {
    if (!this.#server.committedInTerm) return "no-commit-yet";
    const blocker = this.#configChangeBlocker(configuration) ?? stepProblem(this.#server.configuration, configuration);
    if (blocker !== null) return blocker;
    this.#append(now, [configurationProposal(configuration)]);
    assert(this.#log.configurations.latest.index === this.#log.lastIndex, "a configuration is in force once appended");
    this.replication.trackMembers();
    return null;
  }

  /** Why `next` cannot be proposed yet, or null. One change at a time: the next begins when the one before is committed. */
  #configChangeBlocker(next: Configuration): ConfigChangeRejection | null {
    const { commit, configuration } = this.#server;
    const isOpen = this.#log.configurations.latest.index > commit;
    if (isOpen || (isJoint(configuration) && isJoint(next))) return "change-in-flight";
    return this.transferee === 0 ? null : "transferring";
  }

  /** What the leader proposes by itself: to leave a joint configuration that is committed, to promote a learner that is ready. */
  #nextConfiguration(now: Micros): Configuration | null {
    const { commit, configuration } = this.#server;
    if (this.#log.configurations.latest.index > commit) return null;
    if (isJoint(configuration)) return leaveJoint(configuration);
    const learner = this.#learnerToPromote(now - this.#options.electionMicros);
    return learner === 0 ? null : enterJoint(configuration, [...configuration.voters, learner]);
  }

  /**
   * A learner that is to become a voter by itself, within a round of the log's end, with a quorum of what would then be. It
   * holds the entry that added it: before that it could not vote. 0: there is none.
   */
  #learnerToPromote(since: Micros): NodeId {
    const { learners, members, voters } = this.#server.configuration;
    for (const { id, incarnation, autoPromote, storeId } of members) {
      if (!autoPromote || storeId === "" || !learners.includes(id)) continue;
      const { match } = this.replication.of(id);
      if (match < incarnation || !this.replication.isFit(id, since) || !this.#isLastRound(match)) continue;
      const active = [...voters, id].filter((voter) => this.replication.isActive(voter, since)).length;
      if (active * 2 > voters.length + 1) return id;
    }
    return 0;
  }

  /** Whether the entries after `match` are no more than may be on their way to one peer at a time. */
  #isLastRound(match: Index): boolean {
    const { entriesPerAppendMax, bytesInFlightMax } = this.#options;
    if (match + entriesPerAppendMax < this.#log.lastIndex) return false;
    let bytes = 0;
    for (let index = match + 1; index <= this.#log.lastIndex; index++) bytes += this.#log.entryAt(index).bytes.length;
    return bytes <= bytesInFlightMax;
  }

  /** Forgets removed peers, a while later; a leader that is removed itself hands over. Returns whether it is. */
  #dropRemovedPeers(now: Micros): boolean {
    const { index, configuration } = this.#log.configurations.latest;
    if (index > this.#server.commit) return false;
    this.replication.dropRemovedPeers(now);
    if (isVoter(configuration, this.#self)) return false;
    const to = this.replication.successor(() => false);
    assert(to !== this.#self, "a removed leader hands over to another node");
    if (to !== 0) this.#sendTimeoutNow(to);
    return true;
  }

  // --- handing over

  /** 0: nobody. */
  get transferee(): NodeId {
    return this.#transfer.transferee;
  }

  /** Begins to hand over to `to`; false where that node cannot lead. */
  transfer(now: Micros, to: NodeId): boolean {
    if (to === this.#self || !this.#server.configuration.voters.includes(to)) return false;
    this.#transfer.begin(now, to, now + this.#options.electionMicros);
    assert(this.transferee === to, "a later request names the transferee");
    return true;
  }

  #sendTimeoutNow(to: NodeId): void {
    assert(to !== this.#self, "a leader does not hand over to itself");
    this.#lease.giveUp();
    this.#server.send(to, { kind: "timeout-now", term: this.term });
  }
}
