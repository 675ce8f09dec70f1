/**
 * Which forwarded commands a leader may still take. A sequence number that was taken or refused once is never decided
 * again, so a late or doubled copy of a forward changes nothing, and a refusal can be trusted as definite. The memory
 * belongs to one term and outlives the leadership in it: a leader that steps down still answers for its term.
 */
import type { NodeId, Term } from "../units.ts";
import type { Proposal } from "./messages.ts";

export class ForwardGate {
  #term: Term = 0;
  readonly #seen = new Map<NodeId, { boot: number; seq: number }>();

  /** This node has become the leader of `term`. */
  open(term: Term): void {
    this.#term = term;
    this.#seen.clear();
  }

  /** Of `proposals`, in order of their sequence, those never decided before. Empty for a term whose leader this node was not. */
  fresh(term: Term, proposals: readonly Proposal[]): readonly Proposal[] {
    if (term !== this.#term) return [];
    return proposals.filter(({ origin }) => {
      const seen = this.#seen.get(origin.node);
      if (seen !== undefined && (origin.boot < seen.boot || (origin.boot === seen.boot && origin.seq <= seen.seq))) {
        return false;
      }
      this.#seen.set(origin.node, { boot: origin.boot, seq: origin.seq });
      return true;
    });
  }
}
