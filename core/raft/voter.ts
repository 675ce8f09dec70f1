/** How a node answers those who campaign: Raft paper 5.2 and 5.4.1, thesis 9.6. The rules are core/raft/election.ts. */
import { assert } from "../assert.ts";
import type { Micros, NodeId } from "../units.ts";
import { mayElect, mayVoteFor } from "./election.ts";
import type { PreVote, PreVoteReply, Vote, VoteReply } from "../protocol/message.ts";
import type { ServerState } from "./server-state.ts";

/** Changes nothing. `inLease`: the node withholds its vote for a leader. */
export function answerPreVote(server: ServerState, ask: PreVote, inLease: boolean): PreVoteReply {
  const { log, options, term } = server;
  const granted = ask.term > term && mayElect(ask, log, options.voteBarrierIndex) && !inLease;
  return { kind: "pre-vote-reply", term: granted ? ask.term : term, attempt: ask.attempt, granted };
}

/** What a voter knows of leaders: that of this term, 0 if not known; and whether it withholds its vote for any. */
export type HeardLeader = { readonly leader: NodeId; readonly inLease: boolean };

/**
 * `ask` is of this term. The answer leaves once the vote is durable. Within its vote-withholding lease a node votes for
 * nobody, in whatever term it is by now: another node may have told it of a later one, and the leader that it has just
 * heard in the earlier one may still read by its lease (thesis 6.4.1).
 */
export function answerVote(
  now: Micros,
  server: ServerState,
  from: NodeId,
  ask: Vote,
  { leader, inLease }: HeardLeader,
): VoteReply {
  const { log, options, term, vote } = server;
  const isWithheld = inLease && !ask.transfer && vote !== from;
  const isElectable = mayVoteFor(from, { term, vote }, leader) && mayElect(ask, log, options.voteBarrierIndex);
  const granted = isElectable && !isWithheld;
  if (granted) {
    if (vote !== from) server.setHardState(term, from);
    assert(server.vote === from, "a vote is granted only to whom it is given");
    server.timer.reset(term, now);
  }
  return { kind: "vote-reply", term, granted };
}
