/** One attempt to be elected: whom it asks, and what they have said. Raft paper, 5.2; pre-vote after the thesis, 9.6. */
import { assert } from "../assert.ts";
import type { NodeId, Term } from "../units.ts";
import type { Follower } from "./follower.ts";
import { isVoter } from "./membership.ts";
import type { PreVote, Vote } from "../protocol/message.ts";
import { voteResult, type VoteResult } from "./quorum.ts";
import type { ServerState } from "./server-state.ts";

/** The role of a node that campaigns, in one election; the next attempt has a new one. */
export class Candidate {
  /** A pre-candidate only asks whether it could win. */
  readonly role: "pre-candidate" | "candidate";
  /** That of the election: of a pre-candidate the term to come, which nobody is in yet. */
  readonly term: Term;
  /** Its number among the attempts of this node: an answer to an earlier one, however late, says nothing to this one. */
  readonly attempt: number;
  /** What the node is again if it is not elected: what it has verified of this term's leader still holds. */
  readonly follower: Follower;
  readonly #server: ServerState;
  /** By voter, so that a doubled reply counts once. */
  readonly #votes = new Map<NodeId, boolean>();

  /** A candidate's own term and vote are set already; its vote counts once they are durable. */
  constructor(server: ServerState, role: "pre-candidate" | "candidate", attempt: number, follower: Follower) {
    this.#server = server;
    this.role = role;
    this.attempt = attempt;
    this.term = role === "candidate" ? server.term : server.term + 1;
    this.follower = follower;
  }

  /** Asks all other voters. `isTransfer`: the leader itself has asked for this election. */
  askVoters(isTransfer: boolean): void {
    assert(this.#votes.size === 0, "votes are asked for before the first is counted");
    const { configuration, log, options } = this.#server;
    const { attempt, term } = this;
    const ask: PreVote | Vote =
      this.role === "pre-candidate"
        ? { kind: "pre-vote", term, attempt, ...log.end }
        : { kind: "vote", term, ...log.end, transfer: isTransfer };
    for (const { id } of configuration.members) {
      if (id !== options.id && isVoter(configuration, id)) this.#server.send(id, ask);
    }
  }

  hasHeard(voter: NodeId): boolean {
    return this.#votes.has(voter);
  }

  /** Returns how the election stands with this voter's answer. */
  count(voter: NodeId, granted: boolean): VoteResult {
    const lead = this.role === "candidate" ? 0 : 1;
    assert(this.term === this.#server.term + lead, "votes count only in the term of their election");
    this.#votes.set(voter, granted);
    return voteResult(this.#server.configuration, (id) => this.#votes.get(id));
  }
}
