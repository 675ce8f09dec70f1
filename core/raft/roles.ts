/** The role that a node has, and how one follows the other: Raft paper, figure 4, with a pre-candidate before the candidate. */
import { assert } from "../assert.ts";
import type { Micros, NodeId, Term } from "../units.ts";
import { Candidate } from "./candidate.ts";
import { Follower } from "./follower.ts";
import { Leader } from "./leader.ts";
import type { ServerState } from "./server-state.ts";

/** Attempts to be elected are numbered apart in so many boots, so many in each: together they fit 53 bits. */
const bootsApart = 2 ** 20;
const attemptsApart = 2 ** 32;

/** One node's role. A candidate's and a leader's term is the server's; a pre-candidate's is one higher. */
export class Roles {
  readonly #server: ServerState;
  #current: Follower | Candidate | Leader;
  /** Of this boot. */
  #attempts = 0;

  /** A node starts as a follower, whatever it was before. */
  constructor(server: ServerState) {
    this.#server = server;
    this.#current = new Follower(server, 0);
  }

  get current(): Follower | Candidate | Leader {
    return this.#current;
  }

  get leading(): Leader | null {
    return this.#current.role === "leader" ? this.#current : null;
  }

  /** Itself where it does not lead: a candidate's is what it is again if it is not elected. */
  get following(): Follower | null {
    const current = this.#current;
    if (current.role === "leader") return null;
    return current.role === "follower" ? current : current.follower;
  }

  /** The leader of this term, 0 if not known. */
  get leader(): NodeId {
    if (this.#current.role === "leader") return this.#server.options.id;
    return this.#current.role === "follower" ? this.#current.leader : 0;
  }

  /** Whether this node withholds its vote: for the leader that it last heard, or is. */
  inLease(now: Micros): boolean {
    return this.#current.role === "leader" || this.#server.timer.inLease(now);
  }

  /** In this term, or in a later one, which is adopted with its vote cleared. `leader` is 0 if not known. */
  becomeFollower(now: Micros, term: Term, leader: NodeId): void {
    assert(term >= this.#server.term, "terms rise");
    const isNewTerm = term > this.#server.term;
    if (isNewTerm) this.#server.setHardState(term, 0);
    if (this.#current.role === "leader") this.#server.timer.reset(term, now);
    // What was verified of this term's leader goes on to hold. A leader has had none.
    const before = isNewTerm ? null : this.following;
    this.#current = before ?? new Follower(this.#server, 0);
    this.#current.leader = leader;
  }

  /** The leader of this term was heard, and is followed. */
  follow(now: Micros, leader: NodeId): Follower {
    assert(this.#current.role !== "leader", "a term has one leader");
    if (this.leader === 0) this.becomeFollower(now, this.#server.term, leader);
    assert(this.#current.role === "follower" && this.#current.leader === leader, "a term has one leader");
    this.#server.timer.onLeaderContact(this.#server.term, now);
    return this.#current;
  }

  /** No leader was heard for too long. A node that may not campaign only forgets the silent leader. */
  onElectionTimeout(now: Micros): void {
    const { following } = this;
    assert(following !== null, "a leader waits for no other");
    following.leader = 0;
    if (this.#server.promotable) this.#becomePreCandidate(now, following);
  }

  #becomePreCandidate(now: Micros, following: Follower): void {
    assert(this.#current.role !== "leader", "a leader does not campaign");
    this.#server.timer.attempt(this.#server.term, now);
    const candidate = new Candidate(this.#server, "pre-candidate", this.#nextAttempt(), following);
    this.#current = candidate;
    candidate.askVoters(false);
    this.count(now, candidate, this.#server.options.id, true);
  }

  /** Unlike any of an earlier boot, of so many. */
  #nextAttempt(): number {
    this.#attempts += 1;
    assert(this.#attempts < attemptsApart, "an attempt's number is of its boot");
    return (this.#server.options.boot % bootsApart) * attemptsApart + this.#attempts;
  }

  /** In the next term. `isTransfer`: the leader has asked for it. */
  becomeCandidate(now: Micros, isTransfer: boolean): void {
    assert(this.#current.role !== "leader", "a leader does not campaign");
    this.#server.setHardState(this.#server.term + 1, this.#server.options.id);
    assert(this.#server.outbox.holding, "a candidate asks for votes once its own is durable");
    this.#server.timer.reset(this.#server.term, now);
    const candidate = new Candidate(this.#server, "candidate", this.#nextAttempt(), new Follower(this.#server, 0));
    this.#current = candidate;
    candidate.askVoters(isTransfer);
  }

  /** A candidate's own vote counts once it is durable. Call it whenever a write is. */
  countOwnVote(now: Micros): void {
    const { outbox, options } = this.#server;
    if (this.#current.role !== "candidate" || outbox.holding || this.#current.hasHeard(options.id)) return;
    assert(this.#server.vote === options.id, "a candidate has voted for itself");
    this.count(now, this.#current, options.id, true);
  }

  /** `voter` has answered `candidate`, which is the current role. */
  count(now: Micros, candidate: Candidate, voter: NodeId, granted: boolean): void {
    assert(this.#current === candidate, "votes are counted in a campaign");
    const result = candidate.count(voter, granted);
    if (result === "lost") this.becomeFollower(now, this.#server.term, 0);
    if (result !== "won") return;
    if (candidate.role === "candidate") this.#current = new Leader(this.#server, now);
    else this.becomeCandidate(now, false);
  }
}
