/** What is committed, and that it stays: I7 commit quorum, I8 commit permanence, I10 index order, I12 prefix agreement. */
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId, Term } from "../../core/units.ts";
import { must } from "../violation.ts";
import { agrees, areEqualUpTo, type LogFacts, type NodeFacts } from "./facts.ts";

/** I7. `node` says that it holds a leader's log up to `matchIndex`, which its state does not cover. */
export function acknowledgedMustBeDurable({ id, durable }: NodeFacts, matchIndex: number): void {
  must(matchIndex <= durable.last, "I7", () => {
    return `n${id} acknowledges entry ${matchIndex}, but only ${durable.last} are durable`;
  });
}

/** I7. The same; `led` is what the leader `leader` has told or written of its log in that term. */
export function acknowledgedMustBeTheLeaders(
  { id, durable }: NodeFacts,
  matchIndex: number,
  leader: NodeId,
  led: LogFacts,
): void {
  must(areEqualUpTo(durable, led, matchIndex), "I7", () => {
    return `n${id} acknowledges ${matchIndex} to n${leader}, but its durable entries are others`;
  });
}

/**
 * I7. `node` is the first to commit `index`, whose entry is of `term`: a leader counts only for its own term (paper 5.4.2),
 * which is the newest on its disk.
 */
export function committedMustBeOfOwnTerm({ id, writtenHard }: NodeFacts, index: number, term: Term): void {
  must(term === writtenHard.term, "I7", () => {
    return `n${id} commits entry ${index} of term ${term} by counting in term ${writtenHard.term}`;
  });
}

/** I7. `id` is the first to commit `index`, which `holders` hold durably. */
export function committedMustBeOnQuorum(
  id: NodeId,
  index: number,
  holders: readonly NodeId[],
  isQuorum: boolean,
): void {
  must(isQuorum, "I7", () => `n${id} commits entry ${index}, which is durable only on ${holders.join()}`);
}

/** I8. `id` writes another entry over its entry `index`. */
export function committedMustNotBeOverwritten(id: NodeId, index: number, overwritesCommitted: boolean): void {
  must(!overwritesCommitted, "I8", () => `n${id} overwrites entry ${index}, which is committed`);
}

/**
 * I8. `node` has written to its log. `index`: up to where it has acknowledged that to the leader of the term that it is in;
 * `isThere`: all of it is there still. Only the leader of a later term may take the place of what was acknowledged.
 */
export function acknowledgedMustStay({ id, acknowledged }: NodeFacts, index: number, isThere: boolean): void {
  must(index === 0 || isThere, "I8", () => {
    return `n${id} takes back entry ${index} or one before it, which it has acknowledged in term ${acknowledged.term}`;
  });
}

/** I8. `node` writes that its log begins after `index`; what is before that must be durable elsewhere by then. */
export function baseMustBeCovered({ id, covered, written }: NodeFacts, index: number): void {
  must(index <= Math.max(covered, written.base), "I8", () => {
    return `n${id} writes that its log begins after ${index}, its durable state ends at ${covered}`;
  });
}

/** I8. `node`, whose state is durable in snapshots only, has removed one; `newest`: the index of the newest that is left. */
export function neededSnapshotMustStay({ id, written }: NodeFacts, newest: number): void {
  must(written.base <= newest, "I8", () => {
    return `n${id} removes a snapshot: its log begins after ${written.base}, the newest that is left ends at ${newest}`;
  });
}

/** I8. A log is compacted only behind what a durable state covers. What `node` has lost since was covered when it let go. */
export function compactedMustBeCovered({ id, covered, written }: NodeFacts, baseIndex: number): void {
  must(baseIndex <= Math.max(covered, written.base), "I8", () => {
    return `n${id} lets go of its log up to ${baseIndex}, its durable state ends at ${covered}`;
  });
}

/** I10. `node` says that its commit index is `index`, in a log that ends at `last`. */
export function commitIndexMustRise({ id, commit }: NodeFacts, index: number, last: number): void {
  must(index > commit, "I10", () => `n${id}: the commit index falls from ${commit} to ${index}`);
  must(index <= last, "I10", () => `n${id} commits ${index}, its log ends at ${last}`);
}

/** I10. `node` has applied `index`. */
export function appliedMustBeCommitted({ id, commit }: NodeFacts, index: number): void {
  must(index <= commit, "I10", () => `n${id} applies ${index} beyond its commit index ${commit}`);
}

/** I10. A turn of `node` is over. */
export function indexesMustBeOrdered({ id, applied }: NodeFacts, commit: number, last: number): void {
  must(applied <= commit && commit <= last, "I10", () => `n${id}: applied <= commit <= last`);
}

/** I12. `id`, as a leader, announces `commit`; the prefix that is committed ends at `committedLast`. */
export function announcedMustBeCommitted(id: NodeId, commit: number, committedLast: number): void {
  must(commit <= committedLast, "I12", () => `n${id} announces commit ${commit}, which nobody has committed`);
}

/**
 * I12. `id` is the first to commit `index`; `leader` leads the term of that entry. A leader that steps down in the turn in
 * which it commits is none any more; but it has led that term.
 */
export function firstToCommitMustHaveLed(id: NodeId, index: number, leader: NodeId | undefined): void {
  must(leader === id, "I12", () => `n${id} commits ${index} before any leader has`);
}

/** I12. `id` has committed up to `index`. */
export function prefixMustBeTheCommitted(id: NodeId, index: number, raft: Raft, committed: LogFacts): void {
  must(agrees(raft, committed, index), "I12", () => {
    return `n${id} commits up to ${index} another prefix than the committed one`;
  });
}
