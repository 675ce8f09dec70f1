/**
 * Which forwarded commands a leader may still take. A sequence number that was taken or refused once is never decided
 * again, so a late or doubled copy of a forward changes nothing, and a refusal can be trusted as definite. The memory
 * belongs to one term and outlives the leadership in it: a leader that steps down still answers for its term.
 */
import { assert } from "../assert.ts";
import type { Origin, Proposal } from "../protocol/entry.ts";
import type { ForwardRefused } from "../protocol/message.ts";
import type { NodeId, Term } from "../units.ts";

/** The leader's word that it will never take `proposals`, which are consecutive and not empty. */
export function refusalOf(term: Term, proposals: readonly Proposal[]): ForwardRefused {
  const { incarnation, boot, seq: firstSeq } = proposals[0]!.origin;
  return { kind: "forward-refused", term, incarnation, boot, firstSeq, count: proposals.length };
}

function isLater(origin: Origin, seen: Origin): boolean {
  if (origin.incarnation !== seen.incarnation) return origin.incarnation > seen.incarnation;
  if (origin.boot !== seen.boot) return origin.boot > seen.boot;
  return origin.seq > seen.seq;
}

/** One for each start of a node: what it remembers is in memory only, and a new boot leads new terms only. */
export class ForwardDeduplicator {
  #term: Term = 0;
  readonly #seen = new Map<NodeId, Origin>();

  /** This node has become the leader of `term`. */
  open(term: Term): void {
    assert(term > this.#term, "a node begins to lead a term once");
    this.#term = term;
    this.#seen.clear();
  }

  /** Of `proposals`, in order of their sequence, those that were never decided before. Empty for a term whose leader this node was not. */
  firstSeen(term: Term, proposals: readonly Proposal[]): readonly Proposal[] {
    if (term !== this.#term) return [];
    const fresh = proposals.filter(({ origin }) => {
      const seen = this.#seen.get(origin.node);
      if (seen !== undefined && !isLater(origin, seen)) {
        return false;
      }
      this.#seen.set(origin.node, origin);
      return true;
    });
    const last = proposals.at(-1)?.origin;
    assert(
      last === undefined || !isLater(last, this.#seen.get(last.node)!),
      "what is decided is remembered as decided",
    );
    return fresh;
  }
}
