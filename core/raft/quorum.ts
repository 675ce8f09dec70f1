/**
 * Quorum arithmetic for simple and joint configurations. A joint quorum is a majority of each half, never of the
 * union (Raft thesis, 4.3).
 */
import type { Configuration } from "../protocol/configuration.ts";
import type { NodeId } from "../units.ts";

/** "open": what is not answered yet can still decide the election either way. */
export type VoteResult = "won" | "lost" | "open";

/** The highest index that a majority of `voters` has reached, by `matchOf`. Infinity for no voters: they forbid nothing. */
function committedOfMajority(voters: readonly NodeId[], matchOf: (voter: NodeId) => number): number {
  if (voters.length === 0) return Infinity;
  const matches = voters.map(matchOf).toSorted((a, b) => b - a);
  return matches[voters.length >> 1]!;
}

/** The highest index (or round, or time) that a quorum has reached. */
export function committedIndex(configuration: Configuration, matchOf: (voter: NodeId) => number): number {
  return Math.min(
    committedOfMajority(configuration.voters, matchOf),
    committedOfMajority(configuration.outgoing, matchOf),
  );
}

function voteOfMajority(voters: readonly NodeId[], voteOf: (voter: NodeId) => boolean | undefined): VoteResult {
  if (voters.length === 0) return "won";
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const vote = voteOf(voter);
    if (vote === true) granted += 1;
    if (vote === false) refused += 1;
  }
  const majority = (voters.length >> 1) + 1;
  if (granted >= majority) return "won";
  return voters.length - refused < majority ? "lost" : "open";
}

/** Won by a majority of each half; lost as soon as one half cannot be won any more. */
export function voteResult(configuration: Configuration, voteOf: (voter: NodeId) => boolean | undefined): VoteResult {
  const incoming = voteOfMajority(configuration.voters, voteOf);
  const outgoing = voteOfMajority(configuration.outgoing, voteOf);
  if (incoming === "lost" || outgoing === "lost") return "lost";
  return incoming === "won" && outgoing === "won" ? "won" : "open";
}

/** Whether the nodes that `has` names are a quorum. */
export function isQuorum(configuration: Configuration, has: (voter: NodeId) => boolean): boolean {
  return voteResult(configuration, (voter) => has(voter)) === "won";
}
