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
import { assert, unreachable } from "../assert.ts";
import type { Random } from "../ports.ts";
import type { Index, Micros, NodeId, Term } from "../units.ts";
import { makeEntry } from "../wire/entry-codec.ts";
import { type Campaign, isUpToDate, mayVoteFor, tally } from "./election.ts";
import { ForwardGate } from "./forward-gate.ts";
import { Following, outdatedReply } from "./following.ts";
import { Leadership } from "./leadership.ts";
import type { RaftLog } from "./log.ts";
import {
  type Append,
  type Configuration,
  type Forward,
  type HardState,
  type Message,
  type Persist,
  type PreVote,
  noopProposal,
  type Proposal,
  type ReadGrant,
  type Ready,
  type Vote,
} from "./messages.ts";
import type { Proposed, RaftOptions, Role } from "./options.ts";
import { Outbox } from "./outbox.ts";
import type { ReadAsk } from "./reads.ts";

export class Raft {
  readonly log: RaftLog;
  readonly configuration: Configuration;
  readonly #options: RaftOptions;
  readonly #random: Random;

  #role: Role = "follower";
  #term: Term;
  #vote: NodeId;
  /** The leader of this term, 0 if not known. */
  #leader: NodeId = 0;
  /** Highest index known committed. Invariant: commit <= last; never falls. */
  #commit: Index = 0;
  #campaign: Campaign | null = null;
  #leadership: Leadership | null = null;
  readonly #gate = new ForwardGate();
  #uncommittedBytes = 0;

  #electionAt: Micros = 0;
  #heartbeatAt: Micros = 0;
  #quorumCheckAt: Micros = 0;
  /** No election is helped before this time: a leader was heard of, or an earlier life may have heard of one. */
  #promiseUntil: Micros;
  #attempts = 0;

  #following: Following;

  #persistSeq = 0;
  #hardStateDirty = false;
  readonly #outbox = new Outbox();
  #reads: ReadGrant[] = [];

  constructor(
    options: RaftOptions,
    hardState: HardState,
    log: RaftLog,
    configuration: Configuration,
    random: Random,
    now: Micros,
  ) {
    this.#options = options;
    this.#random = random;
    this.log = log;
    this.configuration = configuration;
    this.#term = hardState.term;
    this.#vote = hardState.vote;
    this.#commit = log.baseIndex;
    this.#following = new Following(log, hardState.term);
    // An earlier life of this directory may have promised a leader not to help elect another.
    this.#promiseUntil = options.boot > 1 ? now + options.electionMicros : now;
    this.#resetElectionTimer(now);
    if (this.#isSoleVoter()) this.#electionAt = now;
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

  /** Settles the term, then answers. Messages of the wrong cluster, incarnation or member never come this far. */
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
        this.read({ node: from, boot: message.boot, id: message.id });
        return;
      case "pre-vote-reply":
        // A grant carries the term asked about, which nobody is in yet; a refusal may teach a term.
        if (!message.granted && message.term > this.#term) this.#follow(now, message.term, 0);
        if (this.#campaign?.pre === true && message.granted && message.term === this.#campaign.term) {
          this.#count(now, from, true);
        }
        return;
      case "vote-reply":
        if (message.term > this.#term) this.#follow(now, message.term, 0);
        if (this.#campaign?.pre === false && message.term === this.#term) this.#count(now, from, message.granted);
        return;
      case "append-reply":
        if (message.term > this.#term) this.#follow(now, message.term, 0);
        if (message.term === this.#term) this.#leadership?.onReply(from, message, now);
        return;
      case "forward-refused":
      case "read-reply":
      case "founder":
        return; // The node's own business.
      default:
        return unreachable(message);
    }
  }

  /** The leader appends all of `proposals` or none; the k-th gets index firstIndex + k. */
  propose(now: Micros, proposals: readonly Proposal[]): Proposed {
    if (this.#leadership === null) return { ok: false, code: "not-leader" };
    let bytes = 0;
    for (const proposal of proposals) bytes += proposal.payload.length;
    if (this.#uncommittedBytes > 0 && this.#uncommittedBytes + bytes > this.#options.uncommittedBytesMax) {
      return { ok: false, code: "busy" };
    }
    const firstIndex = this.log.lastIndex + 1;
    const clusterMicros = this.#leadership.clusterMicros(now);
    const entries = proposals.map((proposal, k) => makeEntry(firstIndex + k, this.#term, clusterMicros, proposal));
    this.log.append(entries);
    for (const entry of entries) this.#uncommittedBytes += entry.bytes.length;
    return { ok: true, firstIndex };
  }

  /** Asks for a read index; false where this node does not lead, and then nothing was asked. */
  read(ask: ReadAsk): boolean {
    if (this.#leadership === null) return false;
    this.#leadership.reads.add(ask);
    return true;
  }

  /** Every write up to `seq` is durable: what waited for it may leave. */
  persisted(now: Micros, seq: number): void {
    assert(seq <= this.#persistSeq, "only what was given can complete");
    this.#outbox.persisted(seq);
    this.log.persisted(seq);
    const campaign = this.#campaign;
    if (campaign?.pre === false && !this.#outbox.holding && !campaign.votes.has(this.#options.id)) {
      this.#count(now, this.#options.id, true);
    }
    if (this.#leadership !== null) this.#advanceCommit();
    else if (this.#leader !== 0 && this.#following.acknowledgementDue) this.#acknowledge();
  }

  /** Acts on every deadline that has passed. */
  tick(now: Micros): void {
    if (this.#role === "leader") {
      if (now >= this.#quorumCheckAt) this.#checkQuorum(now);
    } else if (now >= this.#electionAt && this.#isVoter()) {
      this.#askForElection(now);
    }
  }

  /** What the inputs since the last call have produced. */
  ready(now: Micros): Ready {
    if (this.#leadership !== null) this.#lead(now, this.#leadership);
    let persist: Persist | null = null;
    if (this.#hardStateDirty || this.log.hasUnstable) {
      this.#persistSeq += 1;
      const hardState = this.#hardStateDirty ? { term: this.#term, vote: this.#vote } : null;
      persist = { seq: this.#persistSeq, hardState, entries: this.log.takeUnstable(this.#persistSeq) };
      this.#hardStateDirty = false;
    }
    const ready = {
      persist,
      messages: this.#outbox.take(),
      commit: this.#commit,
      reads: this.#reads,
      wakeAt: this.#wakeAt(),
    };
    this.#reads = [];
    return ready;
  }

  #wakeAt(): Micros {
    if (this.#role === "leader") return Math.min(this.#heartbeatAt, this.#quorumCheckAt);
    return this.#isVoter() ? this.#electionAt : Infinity;
  }

  // --- roles

  /** Adopts `term` (its vote cleared with it, as one value) and stands back; `leader` is 0 if not known. */
  #follow(now: Micros, term: Term, leader: NodeId): void {
    assert(term >= this.#term, "the term never falls");
    if (term > this.#term) this.#setHardState(term, 0);
    if (this.#role === "leader") this.#resetElectionTimer(now);
    this.#role = "follower";
    this.#leader = leader;
    this.#campaign = null;
    this.#leadership = null;
    this.#uncommittedBytes = 0;
  }

  #setHardState(term: Term, vote: NodeId): void {
    if (term > this.#term) {
      this.#following = new Following(this.log, term);
      this.#attempts = 0;
    }
    this.#term = term;
    this.#vote = vote;
    this.#hardStateDirty = true;
    this.#outbox.holdUntil(this.#persistSeq + 1);
  }

  #askForElection(now: Micros): void {
    this.#leader = 0;
    this.#role = "pre-candidate";
    this.#attempts += 1;
    this.#resetElectionTimer(now);
    const term = this.#term + 1;
    this.#campaign = { pre: true, term, votes: new Map() };
    const { lastIndex, lastTerm } = this.log;
    this.#broadcast({ kind: "pre-vote", term, lastIndex, lastTerm });
    this.#count(now, this.#options.id, true);
  }

  #stand(now: Micros): void {
    this.#setHardState(this.#term + 1, this.#options.id);
    this.#role = "candidate";
    this.#resetElectionTimer(now);
    // The own vote is counted when it is durable, in `persisted`.
    this.#campaign = { pre: false, term: this.#term, votes: new Map() };
    const { lastIndex, lastTerm } = this.log;
    this.#broadcast({ kind: "vote", term: this.#term, lastIndex, lastTerm });
  }

  #count(now: Micros, voter: NodeId, granted: boolean): void {
    const campaign = this.#campaign;
    assert(campaign !== null, "votes are counted in a campaign");
    campaign.votes.set(voter, granted);
    const result = tally(campaign, this.configuration);
    if (result === "open") return;
    if (result === "lost") return this.#follow(now, this.#term, 0);
    return campaign.pre ? this.#stand(now) : this.#takeOffice(now);
  }

  #takeOffice(now: Micros): void {
    assert(this.#vote === this.#options.id, "a leader has voted for itself");
    assert(!this.#outbox.holding, "a leader's term and vote are durable");
    this.#role = "leader";
    this.#leader = this.#options.id;
    this.#campaign = null;
    this.#uncommittedBytes = 0;
    for (let index = this.#commit + 1; index <= this.log.lastIndex; index++) {
      this.#uncommittedBytes += this.log.entryAt(index).bytes.length;
    }
    this.#leadership = new Leadership(this.#options.id, this.#term, this.log, this.configuration, this.#options, now);
    this.#gate.open(this.#term);
    this.#heartbeatAt = now;
    this.#quorumCheckAt = now + this.#options.electionMicros;
    // 5.4.2: only an entry of the own term can be committed by counting; until one is, nothing is known to be.
    const noop = makeEntry(this.log.lastIndex + 1, this.#term, this.#leadership.clusterMicros(now), noopProposal);
    this.log.append([noop]);
    this.#uncommittedBytes += noop.bytes.length;
  }

  #checkQuorum(now: Micros): void {
    assert(this.#leadership !== null, "only a leader checks its quorum");
    if (!this.#leadership.quorumHeardSince(now - this.#options.electionMicros, this.configuration)) {
      return this.#follow(now, this.#term, 0);
    }
    // Asked often, so that a leader cut off is gone soon after its followers' patience ends.
    this.#quorumCheckAt = now + this.#options.heartbeatMicros;
  }

  #lead(now: Micros, leadership: Leadership): void {
    this.#advanceCommit();
    const committedInTerm = this.#commit > this.log.baseIndex && this.log.termAt(this.#commit) === this.#term;
    if (committedInTerm) leadership.reads.open(this.#commit);
    const due = now >= this.#heartbeatAt;
    if (due) this.#heartbeatAt = now + this.#options.heartbeatMicros;
    for (const outgoing of leadership.compose(this.#commit, due)) this.#outbox.send(outgoing.to, outgoing.message);
    for (const grant of leadership.grantReads(this.configuration)) this.#reads.push(grant);
  }

  #advanceCommit(): void {
    assert(this.#leadership !== null, "only a leader commits by counting");
    const index = this.#leadership.committable(this.configuration);
    for (let at = this.#commit + 1; at <= index; at++) this.#uncommittedBytes -= this.log.entryAt(at).bytes.length;
    this.#commit = Math.max(this.#commit, index);
  }

  // --- messages

  #onPreVote(now: Micros, from: NodeId, { term, lastIndex, lastTerm }: PreVote): void {
    const upToDate = isUpToDate(lastIndex, lastTerm, this.log.lastIndex, this.log.lastTerm);
    const granted = term > this.#term && upToDate && !this.#promised(now);
    this.#outbox.send(from, { kind: "pre-vote-reply", term: granted ? term : this.#term, granted });
  }

  #onVote(now: Micros, from: NodeId, { term, lastIndex, lastTerm }: Vote): void {
    // Thesis 6.2: whoever hears a leader neither votes nor lets a candidate's term unseat it.
    if (term > this.#term && this.#promised(now)) return;
    if (term > this.#term) this.#follow(now, term, 0);
    const granted =
      term === this.#term &&
      mayVoteFor(from, { term: this.#term, vote: this.#vote }, this.#leader) &&
      isUpToDate(lastIndex, lastTerm, this.log.lastIndex, this.log.lastTerm);
    if (granted) {
      if (this.#vote !== from) this.#setHardState(term, from);
      this.#resetElectionTimer(now);
    }
    this.#outbox.send(from, { kind: "vote-reply", term: this.#term, granted });
  }

  #onAppend(now: Micros, from: NodeId, append: Append): void {
    const { term } = append;
    if (term < this.#term) return this.#outbox.send(from, outdatedReply(this.#term));
    assert(this.#role !== "leader" || term > this.#term, "a term has one leader");
    if (term > this.#term || this.#role !== "follower" || this.#leader === 0) this.#follow(now, term, from);
    assert(this.#leader === from, "a term has one leader");
    this.#promiseUntil = now + this.#options.electionMicros;
    this.#resetElectionTimer(now);
    const taken = this.#following.take(append, this.#commit);
    if (typeof taken === "object") return this.#outbox.send(from, taken);
    this.#commit = Math.max(this.#commit, this.#following.committable(append));
    if (taken) this.#acknowledge();
  }

  #acknowledge(): void {
    this.#outbox.send(this.#leader, this.#following.acknowledge());
  }

  #onForward(now: Micros, from: NodeId, { term, proposals }: Forward): void {
    const fresh = this.#gate.fresh(term, proposals);
    const first = fresh[0];
    if (first === undefined) return;
    const taken = term === this.#term && this.propose(now, fresh).ok;
    if (taken) return;
    const { boot, seq: firstSeq } = first.origin;
    this.#outbox.send(from, { kind: "forward-refused", term, boot, firstSeq, count: fresh.length });
  }

  // --- small things

  #promised(now: Micros): boolean {
    return this.#role === "leader" || now < this.#promiseUntil;
  }

  #isVoter(): boolean {
    const { voters, outgoing } = this.configuration;
    return voters.includes(this.#options.id) || outgoing.includes(this.#options.id);
  }

  #isSoleVoter(): boolean {
    const { voters, outgoing } = this.configuration;
    return voters.length === 1 && outgoing.length === 0 && voters[0] === this.#options.id;
  }

  #resetElectionTimer(now: Micros): void {
    const { electionMicros, boot } = this.#options;
    const occasion = (boot * 65536 + this.#term) * 64 + (this.#attempts % 64);
    this.#electionAt = now + electionMicros + this.#random.draw("election-jitter", occasion, electionMicros);
  }

  #broadcast(message: Message): void {
    for (const { id } of this.configuration.members) if (id !== this.#options.id) this.#outbox.send(id, message);
  }
}
