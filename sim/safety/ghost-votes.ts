/** Every vote that is durable, or was told: at most one for each member, term and generation of its storage. */
import type { NodeId, Term } from "../../core/units.ts";
import { keyOfVote, voterOf } from "../keys.ts";
import { voteMustBeTheOnly } from "../laws/election.ts";
import type { Hard } from "../laws/facts.ts";

/** One for each run, whose terms begin after `origin`. */
export class GhostVotes {
  readonly #origin: Term;
  /** For whom, by term, voter and the losses of its log. */
  readonly #votes = new Map<number, NodeId>();

  constructor(origin: Term) {
    this.#origin = origin;
  }

  /** The vote of `voter` is durable; or it was told, and no later start of the node can give another one. */
  add(voter: NodeId, storageGeneration: number, hard: Hard): void {
    const key = keyOfVote(hard.term - this.#origin, voter, storageGeneration);
    voteMustBeTheOnly(voter, hard, this.#votes.get(key));
    this.#votes.set(key, hard.vote);
  }

  /** Whether `voter` has voted for `candidate` in `term`, with its storage of now or an earlier one. */
  has(voter: NodeId, storageGeneration: number, candidate: NodeId, term: Term): boolean {
    for (let generation = 0; generation <= storageGeneration; generation++) {
      if (this.#votes.get(keyOfVote(term - this.#origin, voter, generation)) === candidate) return true;
    }
    return false;
  }

  /** The machine of `voter` is replaced: none of its votes counts any more. */
  forget(voter: NodeId): void {
    for (const key of this.#votes.keys()) if (voterOf(key) === voter) this.#votes.delete(key);
  }
}
