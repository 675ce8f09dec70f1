/**
 * The rules by which a node answers who campaigns. Pure functions of what they are given. Raft paper 5.2 and 5.4.1;
 * candidates themselves are core/raft/candidate.ts.
 */
import type { HardState, LogEnd } from "../protocol/entry.ts";
import type { Index, NodeId } from "../units.ts";
import type { RaftLog } from "./log.ts";

/** 5.4.1: the later last term wins; at equal terms the longer log. */
export function isUpToDate(theirs: LogEnd, own: LogEnd): boolean {
  if (theirs.lastTerm !== own.lastTerm) return theirs.lastTerm > own.lastTerm;
  return theirs.lastIndex >= own.lastIndex;
}

/**
 * Whether a log that ends at `theirs` may lead this node. A node that was rebound in a voter's place may have forgotten
 * what it has acknowledged: it votes for nobody until it durably holds the entry that says so, which is its incarnation.
 */
export function mayElect(theirs: LogEnd, own: RaftLog, voteBarrierIndex: Index): boolean {
  return own.durableIndex >= voteBarrierIndex && isUpToDate(theirs, own.end);
}

/** One vote a term; the same candidate may hear it again. A term that already has a leader elects nobody else. */
export function mayVoteFor(candidate: NodeId, hardState: HardState, leader: NodeId): boolean {
  if (hardState.vote === candidate) return true;
  return hardState.vote === 0 && leader === 0;
}
