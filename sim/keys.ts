/**
 * Numbers packed into one, as keys of maps and of draws. Each part but the first has a bound, asserted here: a part beyond it
 * would be taken for another pair.
 */
import { assert } from "../core/assert.ts";
import type { Index, NodeId, Term } from "../core/units.ts";

/** Ids of nodes, and how often one machine has lost its log. */
const smallBound = 64;
const termBound = 65_536;
/** How often one kind of occasion may come in a run. */
const countBound = 100_000;

function packed(first: number, bound: number, second: number): number {
  assert(second >= 0 && second < bound, "the second part of a packed key is within its bound");
  const key = first * bound + second;
  assert(Number.isSafeInteger(key), "a packed key is an exact integer");
  return key;
}

/** Of `what` (a moment, a client, a term) at node `id`. */
export function keyOfNode(what: number, id: NodeId): number {
  return packed(what, smallBound, id);
}

/** Of the directed link between two nodes. */
export function linkOf(from: NodeId, to: NodeId): number {
  return packed(from, smallBound, to);
}

/** The sender on `link`. */
export function senderOn(link: number): NodeId {
  return Math.floor(link / smallBound);
}

/** The receiver on `link`. */
export function receiverOn(link: number): NodeId {
  return link % smallBound;
}

/** Of the entry, or the configuration, that (index, term) names. */
export function keyOfEntry(index: Index, term: Term): number {
  return packed(index, termBound, term);
}

/** Of the vote of `voter` in `term`, with the log that it had after `losses` losses. */
export function keyOfVote(term: Term, voter: NodeId, losses: number): number {
  return packed(packed(term, smallBound, voter), smallBound, losses);
}

/** The voter in a key of `keyOfVote`. */
export function voterOf(key: number): NodeId {
  return Math.floor(key / smallBound) % smallBound;
}

/** Of the `count`-th occasion of the kind `which`. */
export function occasionOf(which: number, count: number): number {
  return packed(which, countBound, count);
}
