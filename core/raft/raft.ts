/**
 * Raft as values in, values out (Ongaro and Ousterhout 2014; Ongaro's thesis 2014). A turn: feed inputs (`receive`,
 * `propose`, `read`, `persisted`, `tick`), then take one `ready()` and do what it says. No promise, no clock, no I/O;
 * chance is injected.
 *
 * The order of things that safety rests on:
 * - a message that depends on a term or a vote leaves only after that hard state is durable (held inside until then);
 * - a follower acknowledges, and a leader counts itself, only up to the durable index;
 * - a leader's own write runs in parallel with replication (thesis 10.2.1).
 */
import { assert } from "../assert.ts";
import type { Random } from "../ports.ts";
import { configurationProposal } from "../protocol/configuration-codec.ts";
import type { CompactionPoint, Configuration, ConfigurationAt } from "../protocol/configuration.ts";
import type { HardState, Proposal } from "../protocol/entry.ts";
import type { Append, Forward, Message, PreVote, Vote } from "../protocol/message.ts";
import type { Index, Micros, NodeId, Term } from "../units.ts";
import { type Campaign, mayElect, mayVoteFor, tally } from "./election.ts";
import { ElectionTimer } from "./election-timer.ts";
import { ForwardDeduplicator, refusalOf } from "./forward-deduplicator.ts";
import { Following, outdatedReply } from "./following.ts";
import { Leadership } from "./leadership.ts";
import type { RaftLog } from "./log.ts";
import { isVoter, isPromotable, memberOf, isSoleMemberEver } from "./membership.ts";
import type { ReadGrant, Ready } from "./ready.ts";
import type { ConfigChangeRejection, Proposed, RaftOptions, Role } from "./options.ts";
import { Outbox } from "./outbox.ts";
import type { ReadIndexRequest } from "./read-index-rounds.ts";

export class Raft {
  readonly log: RaftLog;
  readonly #options: RaftOptions;
  readonly #timer: ElectionTimer;
  #role: Role = "follower";
  #term: Term;
  #vote: NodeId;
  /** The leader of this term, 0 if not known. */
  #leader: NodeId = 0;
  /** Highest index known committed. Invariant: commit <= last; never falls. */
  #commit: Index = 0;
  #campaign: Campaign | null = null;
  #leadership: Leadership | null = null;
  #following: Following;
  readonly #forwards = new ForwardDeduplicator();
  readonly #outbox = new Outbox();
  readonly #reads: ReadGrant[] = [];

  /** `applied` is in the log or its base: what was applied had been committed. */
  constructor(options: RaftOptions, hardState: HardState, log: RaftLog, applied: Index, random: Random, now: Micros) {
    this.#options = options;
    this.log = log;
    this.#term = hardState.term;
    this.#vote = hardState.vote;
    this.#commit = Math.max(log.baseIndex, applied);
    this.#following = new Following(log, hardState.term);
    this.#timer = new ElectionTimer(random, options.electionMicros, options.boot, hardState.term, now);
    if (isSoleMemberEver(this.configuration, options.id)) this.#timer.electionAt = now;
  }

  get role(): Role {
    return this.#role;
  }
  get term(): Term {
    return this.#term;
  }
  get vote(): NodeId {
    return this.#vote;
  }
  get leader(): NodeId {
    return this.#leader;
  }
  get commit(): Index {
    return this.#commit;
  }
  /** Null unless this node leads. */
  get leadership(): Leadership | null {
    return this.#leadership;
  }
  /** The newest in the log, committed or not (thesis 4.1). */
  get configuration(): Configuration {
    return this.log.configurations.latest.configuration;
  }
  /** The newest that is committed. */
  get committedConfiguration(): ConfigurationAt {
    return this.log.configurations.at(this.#commit);
  }
  /** The leader has committed an entry of its own term, also where its log was cut behind it: it knows what is committed. */
  get #committedInTerm(): boolean {
    return this.log.termAt(this.#commit) === this.#term;
  }

  /** Settles the term, then answers. Messages of the wrong cluster or of a removed member never come this far. */
  receive(now: Micros, from: NodeId, message: Message): void {
    switch (message.kind) {
      case "pre-vote":
        return this.#onPreVote(now, from, message);
      case "vote":
        return this.#onVote(now, from, message);
      case "append":
        return this.#onAppend(now, from, message);
      case "forward":
        return this.#onForward(now, from, message);
      case "read":
        return this.requestReadIndex({ node: from, boot: message.boot, id: message.id });
      case "pre-vote-reply":
        // A grant carries the term asked about, which nobody is in yet; a refusal may teach a term.
        if (!message.granted && message.term > this.#term) this.#becomeFollower(now, message.term, 0);
        if (this.#campaign?.pre === true && message.granted && message.term === this.#campaign.term) {
          this.#count(now, from, true);
        }
        return;
      case "vote-reply":
        if (message.term > this.#term) this.#becomeFollower(now, message.term, 0);
        if (this.#campaign?.pre === false && message.term === this.#term) this.#count(now, from, message.granted);
        return;
      case "append-reply":
        if (message.term > this.#term) this.#becomeFollower(now, message.term, 0);
        if (message.term === this.#term) this.#leadership?.onReply(from, message, now);
        return;
      case "snapshot-reply":
        if (message.term === this.#term) this.#leadership?.onPeerContact(from, now);
        return;
      case "timeout-now":
        if (message.term === this.#term && this.#role === "follower" && this.#promotable())
          this.#becomeCandidate(now, true);
        return;
      default: // The node's own business.
    }
  }

  /** The leader appends all of `proposals` or none; the k-th gets index firstIndex + k. */
  propose(now: Micros, proposals: readonly Proposal[]): Proposed {
    if (this.#leadership === null) return { ok: false, code: "not-leader" };
    if (this.#leadership.transferee !== 0 || this.#leadership.isFull(proposals)) return { ok: false, code: "busy" };
    return { ok: true, firstIndex: this.#leadership.append(now, proposals) };
  }

  /** Appends `configuration`, which is in force at once; or says why it cannot be now. */
  proposeConfiguration(now: Micros, configuration: Configuration): ConfigChangeRejection | null {
    if (this.#leadership === null) return "not-leader";
    if (!this.#committedInTerm) return "no-commit-yet";
    const trouble = this.#leadership.configChangeBlocker(this.#commit, configuration);
    if (trouble !== null) return trouble;
    this.#leadership.append(now, [configurationProposal(configuration)]);
    this.#leadership.trackMembers(now);
    return null;
  }

  /** Begins to hand the leadership over to `to`; false where it cannot be. */
  transfer(now: Micros, to: NodeId): boolean {
    const mayLead = to !== this.#options.id && this.configuration.voters.includes(to);
    if (this.#leadership === null || !mayLead) return false;
    this.#leadership.beginTransfer(to, now + this.#options.electionMicros);
    return true;
  }

  /** Asks for a read index, to be granted in a later `ready()`; ignored where this node does not lead. */
  requestReadIndex(ask: ReadIndexRequest): void {
    this.#leadership?.reads.add(ask);
  }

  /** The index to read at if no other leader can have been elected at `now`, which is after the read came; else null. */
  leaseRead(now: Micros): Index | null {
    const holds = this.#committedInTerm && this.#leadership !== null && now < this.#leadership.leaseUntil(now);
    return holds ? this.#commit : null;
  }

  /** Every write up to `seq` is durable: what waited for it may leave. */
  persisted(now: Micros, seq: number): void {
    this.#outbox.persisted(seq);
    this.log.persisted(seq);
    const isOwnVoteDurable = this.#campaign?.pre === false && !this.#outbox.holding;
    const { id } = this.#options;
    if (isOwnVoteDurable && this.#campaign?.votes.has(id) === false) this.#count(now, id, true);
    if (this.#leadership !== null) this.#advanceCommit();
    else if (this.#leader !== 0 && this.#following.acknowledgementDue) this.#acknowledge();
  }

  /** Everything up to `index` is applied and durable elsewhere: the log begins after it. */
  compact(index: Index): void {
    assert(index <= this.#commit, "only what is committed is compacted");
    this.log.compact(index);
    this.#outbox.writeBase(this.log.base, false);
  }

  /** A durable snapshot at `base`, from this term's leader, takes the place of the log so far. False where it is too late. */
  restore(base: CompactionPoint): boolean {
    const { index } = base.place;
    if (index <= this.#commit || this.#leadership !== null) return false;
    this.#outbox.writeBase(base, !this.log.restore(base));
    this.#commit = index;
    this.#following.restored(index);
    if (this.#leader !== 0) this.#acknowledge();
    return true;
  }

  /** A leader offers what is committed here already: tells it so. False where `index` lies beyond that. */
  acknowledgeUpTo(index: Index): boolean {
    if (index > this.#commit) return false;
    this.#following.restored(index);
    this.#acknowledge();
    return true;
  }

  /** Acts on every deadline that has passed. A node that may not campaign only forgets its silent leader. */
  tick(now: Micros): void {
    if (this.#leadership?.hasLostQuorum(now) === true) return this.#becomeFollower(now, this.#term, 0);
    const isDue = this.#leadership === null && now >= this.#timer.electionAt;
    if (isDue) this.#leader = 0;
    if (isDue && this.#promotable()) this.#becomePreCandidate(now);
  }

  /** What the inputs since the last call have produced. Writes are taken before messages: both are of this turn. */
  ready(now: Micros): Ready {
    if (this.#leadership !== null) this.#lead(now, this.#leadership);
    return {
      persist: this.#outbox.takeWrite(this.log),
      messages: this.#outbox.takeMessages(),
      commit: this.#commit,
      reads: this.#reads.splice(0),
      wakeAt: this.#wakeAt(),
    };
  }

  #wakeAt(): Micros {
    if (this.#leadership !== null) return Math.min(this.#leadership.heartbeatAt, this.#leadership.quorumCheckAt);
    return this.#promotable() || this.#leader !== 0 ? this.#timer.electionAt : Infinity;
  }

  /** Adopts `term` (its vote cleared with it, as one value) as a follower; `leader` is 0 if not known. */
  #becomeFollower(now: Micros, term: Term, leader: NodeId): void {
    assert(term >= this.#term, "the term never falls");
    if (term > this.#term) this.#setHardState(term, 0);
    if (this.#role === "leader") this.#timer.reset(this.#term, now);
    this.#role = "follower";
    this.#leader = leader;
    this.#campaign = null;
    this.#leadership = null;
  }

  #setHardState(term: Term, vote: NodeId): void {
    if (term > this.#term) {
      this.#following = new Following(this.log, term);
      this.#timer.newTerm();
    }
    this.#term = term;
    this.#vote = vote;
    this.#outbox.write({ term, vote });
  }

  #becomePreCandidate(now: Micros): void {
    this.#role = "pre-candidate";
    this.#timer.attempt(this.#term, now);
    const term = this.#term + 1;
    this.#campaign = { pre: true, term, votes: new Map() };
    this.#askVoters({ kind: "pre-vote", term, ...this.log.end });
    this.#count(now, this.#options.id, true);
  }

  #becomeCandidate(now: Micros, transfer: boolean): void {
    this.#setHardState(this.#term + 1, this.#options.id);
    this.#role = "candidate";
    this.#leader = 0;
    this.#timer.reset(this.#term, now);
    // The own vote is counted when it is durable, in `persisted`.
    this.#campaign = { pre: false, term: this.#term, votes: new Map() };
    this.#askVoters({ kind: "vote", term: this.#term, ...this.log.end, transfer });
  }

  #count(now: Micros, voter: NodeId, granted: boolean): void {
    const campaign = this.#campaign;
    assert(campaign !== null, "votes are counted in a campaign");
    campaign.votes.set(voter, granted);
    const result = tally(campaign, this.configuration);
    if (result === "open") return;
    if (result === "lost") return this.#becomeFollower(now, this.#term, 0);
    return campaign.pre ? this.#becomeCandidate(now, false) : this.#becomeLeader(now);
  }

  #becomeLeader(now: Micros): void {
    assert(this.#vote === this.#options.id, "a leader has voted for itself");
    assert(!this.#outbox.holding, "a leader's term and vote are durable");
    this.#role = "leader";
    this.#leader = this.#options.id;
    this.#campaign = null;
    this.#leadership = new Leadership(this.#options.id, this.#term, this.log, this.#commit, this.#options, now);
    this.#forwards.open(this.#term);
  }

  #lead(now: Micros, leadership: Leadership): void {
    this.#advanceCommit();
    const next = leadership.nextConfiguration(this.#commit, now);
    if (next !== null) this.proposeConfiguration(now, next);
    const due = leadership.heartbeatDue(now);
    if (this.#committedInTerm) leadership.reads.open(this.#commit, now, due);
    for (const { to, message } of leadership.makeAppends(this.#commit, due)) this.#outbox.send(to, message);
    this.#reads.push(...leadership.grantReads());
    const successor = leadership.transferStep(now);
    if (successor !== 0) this.#outbox.send(successor, { kind: "timeout-now", term: this.#term });
    this.#dropRemovedPeers(now, leadership);
  }

  /** Forgets removed peers that have been told; a leader that is removed itself hands over. */
  #dropRemovedPeers(now: Micros, leadership: Leadership): void {
    const { index, configuration } = this.log.configurations.latest;
    if (index > this.#commit) return;
    leadership.dropRemovedPeers(index, now);
    if (isVoter(configuration, this.#options.id)) return;
    const to = leadership.successor();
    if (to !== 0) this.#outbox.send(to, { kind: "timeout-now", term: this.#term });
    this.#becomeFollower(now, this.#term, 0);
  }

  #advanceCommit(): void {
    assert(this.#leadership !== null, "only a leader commits by counting");
    this.#commit = Math.max(this.#commit, this.#leadership.committable());
    this.#leadership.settle(this.#commit);
  }

  #onPreVote(now: Micros, from: NodeId, ask: PreVote): void {
    const granted =
      ask.term > this.#term && mayElect(ask, this.log, this.#options.voteBarrierIndex) && !this.#inLease(now);
    this.#outbox.send(from, { kind: "pre-vote-reply", term: granted ? ask.term : this.#term, granted });
  }

  #onVote(now: Micros, from: NodeId, ask: Vote): void {
    const { term, transfer } = ask;
    // Thesis 6.2: a node in the vote-withholding lease neither votes nor lets a candidate's term unseat its leader, unless the leader asked for it.
    if (term > this.#term && !transfer && this.#inLease(now)) return;
    if (term > this.#term) this.#becomeFollower(now, term, 0);
    const granted =
      term === this.#term &&
      mayVoteFor(from, { term: this.#term, vote: this.#vote }, this.#leader) &&
      mayElect(ask, this.log, this.#options.voteBarrierIndex);
    if (granted) {
      if (this.#vote !== from) this.#setHardState(term, from);
      this.#timer.reset(term, now);
    }
    this.#outbox.send(from, { kind: "vote-reply", term: this.#term, granted });
  }

  /** A leader of `term` was heard. False if that term is over; the leader is told. */
  onLeaderContact(now: Micros, from: NodeId, term: Term): boolean {
    if (term < this.#term) {
      this.#outbox.send(from, outdatedReply(this.#term));
      return false;
    }
    assert(this.#role !== "leader" || term > this.#term, "a term has one leader");
    if (term > this.#term || this.#role !== "follower" || this.#leader === 0) this.#becomeFollower(now, term, from);
    assert(this.#leader === from, "a term has one leader");
    this.#timer.onLeaderContact(term, now);
    return true;
  }

  #onAppend(now: Micros, from: NodeId, append: Append): void {
    if (!this.onLeaderContact(now, from, append.term)) return;
    const taken = this.#following.take(append, this.#commit);
    if (typeof taken === "object") return this.#outbox.send(from, taken);
    this.#commit = Math.max(this.#commit, this.#following.committable(append));
    if (taken) this.#acknowledge();
  }

  #acknowledge(): void {
    this.#outbox.send(this.#leader, this.#following.acknowledge());
  }

  #onForward(now: Micros, from: NodeId, { term, proposals }: Forward): void {
    const fresh = this.#forwards.firstSeen(term, proposals);
    const mayTake = term === this.#term && memberOf(this.configuration, from) !== undefined;
    if (fresh.length === 0 || (mayTake && this.propose(now, fresh).ok)) return;
    this.#outbox.send(from, refusalOf(term, fresh));
  }

  #inLease(now: Micros): boolean {
    return this.#role === "leader" || this.#timer.inLease(now);
  }

  #promotable(): boolean {
    const { id, incarnation, voteBarrierIndex } = this.#options;
    if (this.log.durableIndex < voteBarrierIndex) return false;
    const { latest, previous } = this.log.configurations;
    const isCommitted = latest.index <= this.#commit;
    return isPromotable(id, incarnation, latest.configuration, isCommitted ? null : previous.configuration);
  }

  #askVoters(message: Message): void {
    for (const { id } of this.configuration.members) {
      if (id !== this.#options.id && isVoter(this.configuration, id)) this.#outbox.send(id, message);
    }
  }
}
