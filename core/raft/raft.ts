/**
 * Raft as values in, values out (Ongaro and Ousterhout 2014; Ongaro's thesis 2014), for its driver. No promise, no
 * clock, no I/O: time is an argument, chance is injected, and what is to be done comes back as a value. The driver of this
 * project is core/node/replica.ts; test/support/rafts.ts is the smallest one.
 *
 * Start. Give the constructor the options, the hard state and the log as they are on the disk, and the index that is
 * applied. A new cluster begins with hard state (0, 0) and an empty log whose base is the founders' configuration. Nothing
 * else is kept: a restart is the same call, with what the disk holds then, and a `boot` that is higher by one.
 *
 * A turn. Feed what has happened, in any order and number: `receive`, `propose`, `requestReadIndex`, `persisted`, ... and
 * `tick`. Then call `ready()` once and do what it says, in this order:
 *
 * 1. Write `persist`, if there is one: base, hard state and entries together, in order of `seq`, each durable before the next
 *    counts. Do not wait for it. Once it is, call `persisted(seq)`, and take the next turn. A write that fails ends the
 *    node: there is no other way to say so.
 * 2. Send `messages`. They may be lost, doubled, late or in another order. They may leave before `persist` is durable: what
 *    depends on it is held back inside. A message of an earlier boot or incarnation must not come to `receive`.
 * 3. Answer `reads`: each may be read at its index, once that is applied.
 * 4. Apply the log's entries up to `commit`, in order, at leisure. Rows that survive on their own must not run ahead of
 *    what is durable of the log.
 * 5. Call `tick` and `ready` again at `wakeAt`, or whenever something comes before.
 *
 * Beside that: once a state is durable elsewhere, `compact` lets the log begin after it; a snapshot that was received is
 * made durable, and the state, before `restore` is told of it.
 *
 * What safety rests on, and why the order above is enough:
 * - a message that depends on a term or a vote leaves only after that hard state is durable (core/raft/outbox.ts);
 * - a follower acknowledges, and a leader counts itself, only up to the durable index (core/raft/log.ts);
 * - a leader's own write runs in parallel with replication (thesis 10.2.1).
 *
 * The messages, each described in core/protocol/message.ts:
 * - pre-vote, pre-vote-reply: could an election be won? Asked before the term is raised (thesis 9.6).
 * - vote, vote-reply: elect me (paper 5.2). Granted once a term, to a log that is up to date.
 * - append, append-reply: entries, the heartbeat and the read index round are one message, and so are their answers (5.3).
 * - snapshot-chunk, snapshot-reply: the driver sends and takes snapshots. Raft only sees that the leader, or the peer, is
 *   there: the driver acts on them after `receive`, and only where their term is Raft's.
 * - timeout-now: the leader hands over, campaign at once (thesis 3.10).
 * - forward: commands from a member that does not lead. Each is decided once: appended, or refused for good.
 * - read: a member asks for a read index (thesis 6.4). It is granted in `ready().reads`, and the driver answers.
 *
 * A node has one role at a time, with a state of its own: Follower, Candidate or Leader (core/raft/roles.ts lets one follow
 * the other); what it has in every role is ServerState. This file settles terms, and hands what comes to the role.
 */
import { assert, unreachable } from "../assert.ts";
import type { Random } from "../ports.ts";
import type { CompactionPoint, Configuration, ConfigurationAt } from "../protocol/configuration.ts";
import type { Proposal } from "../protocol/entry.ts";
import type { Forward, RaftMessage, ReadRequest } from "../protocol/message.ts";
import type { Index, Micros, NodeId, Term } from "../units.ts";
import { refusalOf } from "./forward-deduplicator.ts";
import { outdatedReply } from "./follower.ts";
import type { LogView } from "./log.ts";
import { isSoleMemberEver, memberOf } from "./membership.ts";
import type { ReadIndexRequest, Ready } from "./ready.ts";
import type { ConfigChangeRejection, Proposed, RaftOptions, Role } from "./options.ts";
import type { PeerProgress } from "./replication.ts";
import { Roles } from "./roles.ts";
import { type Durable, ServerState } from "./server-state.ts";
import type { RaftStatus } from "./status.ts";
import { answerPreVote, answerVote } from "./voter.ts";

/** One boot of one node. Its driver is described at the top of this file. */
export class Raft {
  readonly #server: ServerState;
  readonly #roles: Roles;

  constructor(options: RaftOptions, durable: Durable, random: Random, now: Micros) {
    this.#server = new ServerState(options, durable, random, now);
    this.#roles = new Roles(this.#server);
    if (isSoleMemberEver(this.configuration, options.id)) this.#server.timer.electionAt = now;
  }

  // --- what there is to see

  get role(): Role {
    return this.#roles.current.role;
  }
  get term(): Term {
    return this.#server.term;
  }
  get vote(): NodeId {
    return this.#server.vote;
  }
  /** The leader of this term, 0 if not known. */
  get leader(): NodeId {
    return this.#roles.leader;
  }
  get commit(): Index {
    return this.#server.commit;
  }
  get log(): LogView {
    return this.#server.log;
  }
  /** The newest in the log, committed or not (thesis 4.1). */
  get configuration(): Configuration {
    return this.#server.configuration;
  }
  /** The newest that is committed. */
  get committedConfiguration(): ConfigurationAt {
    return this.#server.committedConfiguration;
  }
  /** An entry of this term is committed: what is committed before it is known. */
  get committedInTerm(): boolean {
    return this.#server.committedInTerm;
  }
  /** Whom this leader hands over to; 0: nobody. */
  get transferee(): NodeId {
    return this.#roles.leading?.transferee ?? 0;
  }
  /** Whom this leader replicates to, those too that were removed and are not told yet; nobody where it does not lead. */
  get peers(): Iterable<NodeId> {
    return this.#roles.leading?.replication.peers ?? [];
  }

  /** How far `id` is, by what this leader knows; null where it does not lead or does not replicate to it. Live. */
  progressOf(id: NodeId): PeerProgress | null {
    return this.#roles.leading?.replication.progressOf(id) ?? null;
  }

  /** All of it at this moment: for a status page, a test, a check. */
  status(): RaftStatus {
    const { role, term, vote, leader, commit, transferee } = this;
    const { baseIndex, lastIndex, durableIndex } = this.log;
    const progress = new Map([...this.peers].map((id) => [id, { ...this.progressOf(id)! }]));
    return {
      role,
      term,
      vote,
      leader,
      commit,
      firstIndex: baseIndex + 1,
      lastIndex,
      durableIndex,
      transferee,
      progress,
    };
  }

  /** This node leads, and `id` can be counted on: see Replication.isFit. */
  isFit(id: NodeId, since: Micros): boolean {
    return this.#roles.leading?.replication.isFit(id, since) === true;
  }

  /** This node leads, and has heard of a quorum since then. */
  hasHeardQuorum(since: Micros): boolean {
    return this.#roles.leading?.replication.hasHeardQuorum(since) === true;
  }

  /** What `id` lacks is not in this leader's log any more. */
  needsSnapshot(id: NodeId): boolean {
    return this.#roles.leading?.replication.needsSnapshot(id) === true;
  }

  /** The voter that this leader would hand over to: the furthest besides those of `unfit`. 0 where there is none. */
  successor(unfit: (id: NodeId) => boolean): NodeId {
    return this.#roles.leading?.replication.successor(unfit) ?? 0;
  }

  // --- what comes in

  /** A message from a member. Those of the wrong cluster, of a removed member or of an earlier boot never come this far. */
  receive(now: Micros, from: NodeId, message: RaftMessage): void {
    if (!this.#settleTerm(now, from, message)) return;
    const { current } = this.#roles;
    switch (message.kind) {
      case "pre-vote":
        return this.#server.send(from, answerPreVote(this.#server, message, this.#roles.inLease(now)));
      case "pre-vote-reply":
        // A refusal says nothing: a voter that withholds its vote now may grant it in a moment. Nor does an answer to
        // an earlier attempt: its voter may have heard a leader since.
        if (current.role === "pre-candidate" && message.granted && message.attempt === current.attempt)
          this.#roles.count(now, current, from, true);
        return;
      case "vote": {
        const heard = { leader: this.leader, inLease: this.#roles.inLease(now) };
        return this.#server.send(from, answerVote(now, this.#server, from, message, heard));
      }
      case "vote-reply":
        if (current.role === "candidate") this.#roles.count(now, current, from, message.granted);
        return;
      case "append":
        return this.#roles.follow(now, from).onAppend(message);
      case "append-reply":
        if (current.role === "leader") current.onReply(from, message, now);
        return;
      case "snapshot-chunk":
        this.#roles.follow(now, from);
        return;
      case "snapshot-reply":
        if (current.role === "leader") current.replication.onPeerContact(from, now);
        return;
      case "timeout-now":
        if (current.role === "follower" && this.#server.promotable) this.#roles.becomeCandidate(now, true);
        return;
      case "forward":
        return this.#onForward(now, from, message);
      case "read":
        return this.#onRead(from, message);
      default:
        return unreachable(message);
    }
  }

  /**
   * Tells `to`, which has spoken to another incarnation of this node, which term it is in: like all that this node says of
   * its term, once that is durable.
   */
  tellTerm(to: NodeId): void {
    this.#server.send(to, outdatedReply(this.term));
  }

  /** The leader appends all of `proposals` or none; the k-th gets index firstIndex + k. */
  propose(now: Micros, proposals: readonly Proposal[]): Proposed {
    return this.#roles.leading?.propose(now, proposals) ?? { ok: false, code: "not-leader", definite: true };
  }

  /** Appends `configuration`, which is in force at once; or says why it cannot be, now or ever. */
  proposeConfiguration(now: Micros, configuration: Configuration): ConfigChangeRejection | null {
    return this.#roles.leading === null ? "not-leader" : this.#roles.leading.proposeConfiguration(now, configuration);
  }

  /**
   * Begins to hand the leadership over to `to`, for an election timeout; false where it cannot be. Asking again while that is
   * under way changes nothing; another `to` takes its place.
   */
  transfer(now: Micros, to: NodeId): boolean {
    return this.#roles.leading?.transfer(now, to) === true;
  }

  /** Asks for a read index, to be granted in a later `ready()`; ignored where this node does not lead. */
  requestReadIndex(ask: ReadIndexRequest): void {
    this.#roles.leading?.requestReadIndex(ask);
  }

  /** The index to read at if no other leader can have been elected at `now`, which is after the read came; else null. */
  leaseRead(now: Micros): Index | null {
    return this.#roles.leading?.leaseRead(now) ?? null;
  }

  /** Every write up to `seq` is durable: what waited for it may leave. */
  persisted(now: Micros, seq: number): void {
    this.#server.outbox.persisted(seq);
    this.#server.log.persisted(seq);
    assert(this.log.durableIndex <= this.log.lastIndex, "no more is durable than was appended");
    this.#roles.countOwnVote(now);
    const { current } = this.#roles;
    if (current.role === "leader") current.advanceCommit();
    else if (current.role === "follower" && current.acknowledgementDue) current.acknowledge();
  }

  /** Everything up to `index` is applied and durable elsewhere: the log begins after it. */
  compact(index: Index): void {
    this.#server.compact(index);
  }

  /** A durable snapshot at `base`, from this term's leader, takes the place of the log so far. False where it is too late. */
  restore(base: CompactionPoint): boolean {
    return this.#roles.following?.restore(base) === true;
  }

  /** The leader offers what is committed here already: tells it so. False where `index` lies beyond that. */
  acknowledgeUpTo(index: Index): boolean {
    return this.#roles.following?.acknowledgeUpTo(index) === true;
  }

  /** Acts on every deadline that has passed. */
  tick(now: Micros): void {
    const { leading } = this.#roles;
    assert(leading === null || this.vote === this.#server.options.id, "a leader has voted for itself");
    if (leading?.hasLostQuorum(now) === true) this.#roles.becomeFollower(now, this.term, 0);
    else if (leading === null && now >= this.#server.timer.electionAt) this.#roles.onElectionTimeout(now);
  }

  /** What the inputs since the last call have produced. Writes are taken before messages: both are of this turn. */
  ready(now: Micros): Ready {
    const turn = this.#roles.leading?.advance(now) ?? null;
    if (turn?.isRemoved === true) this.#roles.becomeFollower(now, this.term, 0);
    const { commit, log, outbox } = this.#server;
    assert(commit <= log.lastIndex, "what is committed is in the log");
    return {
      persist: outbox.takeWrite(log),
      messages: outbox.takeMessages(),
      commit,
      reads: turn?.reads ?? [],
      wakeAt: this.#wakeAt(),
    };
  }

  #wakeAt(): Micros {
    if (this.#roles.leading !== null) return this.#roles.leading.wakeAt;
    return this.#server.promotable || this.leader !== 0 ? this.#server.timer.electionAt : Infinity;
  }

  /**
   * The one place where a message's term meets this node's (paper 5.1): a higher one is adopted, and what comes from a lower
   * one goes no further. Returns whether the message is to be acted on. Its term is this node's then, but for these,
   * whose term says nothing about the sender's own:
   * - a pre-vote, and a pre-vote-reply that grants, name a term to come, which nobody is in yet. To adopt it would be the very
   *   disturbance that pre-vote is there to avoid (thesis 9.6).
   * - a forward names the term whose leader is meant; a read is for the leader of any term.
   *
   * A vote of a higher term is not even adopted, nor answered, by a node within its vote-withholding lease: it has just heard
   * a leader, and a node that was cut off or removed must not depose that one (thesis 4.2.3, 6.2); the leader's own lease
   * rests on this (6.4.1). Unless the leader itself has asked for the election (3.10).
   */
  #settleTerm(now: Micros, from: NodeId, message: RaftMessage): boolean {
    if (message.kind === "pre-vote" || message.kind === "forward" || message.kind === "read") return true;
    if (message.kind === "pre-vote-reply" && message.granted) return true;
    const { kind, term } = message;
    if (term > this.term) {
      if (kind === "vote" && !message.transfer && this.#roles.inLease(now)) return false;
      this.#roles.becomeFollower(now, term, 0);
    }
    if (term < this.term) {
      if (kind === "vote") this.#server.send(from, { kind: "vote-reply", term: this.term, granted: false });
      if (kind === "append" || kind === "snapshot-chunk") this.#server.send(from, outdatedReply(this.term));
      return false;
    }
    assert(term === this.term, "a message that is acted on is of this node's term");
    return true;
  }

  #onRead(from: NodeId, { incarnation, boot, id }: ReadRequest): void {
    this.requestReadIndex({ node: from, incarnation, boot, id });
  }

  #onForward(now: Micros, from: NodeId, { term, proposals }: Forward): void {
    const fresh = this.#server.forwards.firstSeen(term, proposals);
    const mayTake = term === this.term && memberOf(this.configuration, from) !== undefined;
    if (fresh.length === 0 || (mayTake && this.propose(now, fresh).ok)) return;
    assert(term <= this.term, "a node refuses for good only what was meant for a term that it has led");
    this.#server.send(from, refusalOf(term, fresh));
  }
}
