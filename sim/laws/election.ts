/** Who votes and who leads: I1 election safety, I2 vote durability, I3 term monotonic, I4 vote quorum, I6 leader completeness, I19 pre-vote neutrality. */
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId, Term } from "../../core/units.ts";
import { must } from "../violation.ts";
import { agrees, areEqualUpTo, type LogFacts, type NodeFacts, type Hard } from "./facts.ts";

/** I1. `id` becomes leader in `term`, whose leader so far is `leader`. */
export function leaderMustBeAlone(id: NodeId, term: Term, leader: NodeId | undefined): void {
  must(leader === undefined || leader === id, "I1", () => `n${leader} and n${id} both lead term ${term}`);
}

/** I1. An append of `term` leaves `id`; `leader` leads that term. */
export function appendMustComeFromLeader(id: NodeId, term: Term, leader: NodeId | undefined): void {
  must(leader === id, "I1", () => `n${id} speaks as the leader of term ${term}, but that is n${leader}`);
}

/** I2. A vote of `voter` becomes durable; `before`: its durable vote in that term so far. */
export function voteMustBeTheOnly(voter: NodeId, { term, vote }: Hard, before: NodeId | undefined): void {
  must(before === undefined || before === vote, "I2", () => {
    return `n${voter} votes in term ${term} for n${before} and for n${vote}`;
  });
}

/** I2. The hard state `after` takes the place of `before` on the disk of `voter`: a vote stays for its whole term. */
export function voteMustStay(voter: NodeId, before: Hard, after: Hard): void {
  const isTakenBack = after.term === before.term && before.vote !== 0 && after.vote !== before.vote;
  must(!isTakenBack, "I2", () => {
    return `n${voter} has voted for n${before.vote} in term ${before.term}, and takes that back`;
  });
}

/** I2. `candidate` asks for votes in `term`. */
export function candidacyMustBeDurable({ id, durableHard }: NodeFacts, term: Term): void {
  must(durableHard.term >= term, "I2", () => {
    return `n${id} asks for votes in term ${term}, which is not durable on its own disk`;
  });
}

/** I2. `voter` tells `candidate` that it has its vote in `term`. */
export function grantedVoteMustBeDurable({ id, durableHard }: NodeFacts, candidate: NodeId, term: Term): void {
  const durable = durableHard.term > term || (durableHard.term === term && durableHard.vote === candidate);
  must(durable, "I2", () => `n${id} tells n${candidate} of a vote in term ${term} that is not durable`);
}

/** I3. A message that speaks for the term `term` of `node` leaves it: no later start of the node may be in an earlier one. */
export function toldTermMustBeDurable({ id, durableHard, boundTerm }: NodeFacts, kind: string, term: Term): void {
  must(Math.max(durableHard.term, boundTerm) >= term, "I3", () => {
    return `n${id} speaks of its term ${term} (${kind}), on its disk is ${durableHard.term}`;
  });
}

/** I3. The hard state `after` becomes durable on `id`, which held `before`. */
export function durableTermMustNotFall(id: NodeId, before: Hard, after: Hard): void {
  must(after.term >= before.term, "I3", () => `n${id}: the durable term falls from ${before.term} to ${after.term}`);
}

/** I4. `id` becomes leader in `term`. `isElected`: a quorum by the configuration in its own log has voted for it, durably. */
export function leaderMustBeElected(id: NodeId, term: Term, isElected: boolean): void {
  must(isElected, "I4", () => `n${id} leads term ${term} without a quorum of durable votes`);
}

/** I6. A voter whose log as written is `written` gives its vote to `candidate`, whose log ends at `end` (paper 5.4.1). */
export function votersLogMustNotBeNewer(
  id: NodeId,
  written: LogFacts,
  candidate: NodeId,
  end: { readonly lastIndex: number; readonly lastTerm: Term },
): void {
  const { last, lastTerm } = written;
  must(end.lastTerm > lastTerm || (end.lastTerm === lastTerm && end.lastIndex >= last), "I6", () => {
    const theirs = `(${end.lastIndex}, term ${end.lastTerm})`;
    return `n${id} votes for n${candidate}, whose log ends at ${theirs}, its own at (${last}, term ${lastTerm})`;
  });
}

/**
 * I6. `id` becomes leader in `term`; `last` is the last index of the committed log that was committed before that term. It must be in
 * `written`, its log on disk (null: nobody can say), and in that in the memory of its process.
 */
export function leaderMustHoldCommitted(
  { id, term }: { readonly id: NodeId; readonly term: Term },
  raft: Raft | null,
  written: LogFacts | null,
  { log: committed, last }: { readonly log: LogFacts; readonly last: number },
): void {
  const isOnDisk = written === null || areEqualUpTo(written, committed, last);
  must(isOnDisk && agrees(raft, committed, last), "I6", () => {
    return `n${id} leads term ${term} without the committed entry ${last}`;
  });
}

/**
 * I19. A turn that brought a pre-vote request and nothing else is over; `before`: what was before it. A node that needs no
 * other's vote may have campaigned in it, since its own election timeout had passed.
 */
export function preVoteMustChangeNothing(id: NodeId, before: Hard, { term, vote }: Raft): void {
  const isSame = term === before.term && vote === before.vote;
  const hasCampaigned = term === before.term + 1 && vote === id;
  must(isSame || hasCampaigned, "I19", () => `n${id}: a pre-vote request has changed its term or vote`);
}
