/** How a node answers those who campaign: Raft paper 5.2 and 5.4.1, thesis 9.6. The rules are core/raft/election.ts. */
import type { Micros, NodeId } from "../units.ts";
import { mayElect, mayVoteFor } from "./election.ts";
import type { PreVote, PreVoteReply, Vote, VoteReply } from "../protocol/message.ts";
import type { ServerState } from "./server-state.ts";

/** Changes nothing. `inLease`: the node withholds its vote for a leader. */
export function answerPreVote(server: ServerState, ask: PreVote, inLease: boolean): PreVoteReply {
  const { log, options, term } = server;
  const granted = ask.term > term && mayElect(ask, log, options.voteBarrierIndex) && !inLease;
  return { kind: "pre-vote-reply", term: granted ? ask.term : term, granted };
}

/** `ask` is of this term, whose leader is `leader`, 0 if not known. The answer leaves once the vote is durable. */
export function answerVote(now: Micros, server: ServerState, from: NodeId, ask: Vote, leader: NodeId): VoteReply {
  const { log, options, term, vote } = server;
  const granted = mayVoteFor(from, { term, vote }, leader) && mayElect(ask, log, options.voteBarrierIndex);
  if (granted) {
    if (vote !== from) server.setHardState(term, from);
    server.timer.reset(term, now);
  }
  return { kind: "vote-reply", term, granted };
}
