/** What led to a broken law about votes and leaders: I1 to I4, I6, I17 and I19. */
import type { NodeId, Term } from "../../../core/units.ts";
import type { Cause, RunFacts } from "./run-facts.ts";

/** Who asked for votes in `term`, and who gave one to whom. */
export function votesOf(facts: RunFacts, term: Term): Cause[] {
  const grants = facts.grants(term);
  const candidates = [...new Set(grants.map(({ candidate }) => candidate))];
  return candidates.flatMap((candidate) => {
    const asked = facts.candidacy(candidate, term);
    const own: Cause[] =
      asked === -1 ? [] : [{ line: asked, text: `n${candidate} campaigns in term ${term}, and votes for itself.` }];
    const votes = grants
      .filter((one) => one.candidate === candidate)
      .map(({ line, voter }) => ({
        line,
        text: `n${voter} tells n${candidate} that it has its vote in term ${term}.`,
      }));
    return [...own, ...votes];
  });
}

function leaderCause(facts: RunFacts, term: Term): Cause[] {
  const line = facts.leadership(term);
  return line === -1 ? [] : [{ line, text: `n${facts.lines[line]!.node} becomes leader of term ${term}.` }];
}

/** I2: what the voter had in memory and on its disk when its word left. */
export function undurableVote(facts: RunFacts, voter: NodeId, term: Term): Cause[] {
  const asked = facts.last(
    (line) =>
      line.kind === "receive" &&
      line.node === voter &&
      facts.recorder.messages[line.message]?.kind === "vote" &&
      line.b === term,
  );
  const hard = facts.note(voter, "hard");
  const causes: Cause[] = [];
  if (asked !== -1) {
    const { a: candidate } = facts.lines[asked]!;
    const campaign = facts.candidacy(candidate, term);
    if (campaign !== -1) causes.push({ line: campaign, text: `n${candidate} campaigns in term ${term}.` });
    causes.push({ line: asked, text: `n${voter} receives its RequestVote, and grants its vote.` });
  }
  if (hard !== null) {
    const vote = hard.durableVote === 0 ? "no vote" : `a vote for n${hard.durableVote}`;
    const text = `In memory n${voter} has term ${hard.term}; its disk holds term ${hard.durableTerm} and ${vote}: the fsync of the new vote has not completed.`;
    causes.push({ line: facts.end, text });
    causes.push({
      line: facts.end,
      text: `The reply leaves nevertheless. After a crash now n${voter} would have forgotten its vote, and could vote for another candidate of term ${term}: two leaders in one term.`,
    });
  }
  return causes;
}

/** I1 and I4: the votes behind the leaders of `term`. */
export function leadersOf(facts: RunFacts, term: Term): Cause[] {
  return [...votesOf(facts, term), ...leaderCause(facts, term)];
}

/** Where the log of `node` got its last entry (index, term) from. */
function provenance(facts: RunFacts, node: NodeId, index: number, term: Term): Cause[] {
  const own = facts.arrivals(index, term).find((one) => one.node === node);
  const made = facts.creation(index, term);
  if (own === undefined || made[0]?.line === own.line) return made;
  return [...made, { line: own.line, text: `n${node} gets entry ${index} (term ${term}): its log ends there.` }];
}

/** I6, seen at a vote: the two logs, and where each came from. */
export function outdatedCandidate(
  facts: RunFacts,
  voter: NodeId,
  candidate: NodeId,
  theirs: readonly [number, Term],
  own: readonly [number, Term],
): Cause[] {
  const [theirIndex, theirTerm] = theirs;
  const [ownIndex, ownTerm] = own;
  const committed = facts.commitOf(ownIndex);
  return [
    ...leaderCause(facts, theirTerm),
    ...provenance(facts, candidate, theirIndex, theirTerm),
    ...leaderCause(facts, ownTerm),
    ...provenance(facts, voter, ownIndex, ownTerm),
    ...(committed === -1 ? [] : facts.commitment(ownIndex)),
    ...facts.missed(candidate, ownIndex, ownTerm),
    {
      line: facts.end,
      text: `n${candidate} asks for votes with a log that ends at (${theirIndex}, term ${theirTerm}). n${voter}'s ends at (${ownIndex}, term ${ownTerm}), which is more up to date: the later term counts first, then the longer log. n${voter} grants its vote all the same.`,
    },
  ];
}

/** I6, seen at an election: how the committed entry came to be, and how the new leader came to be without it. */
export function incompleteLeader(facts: RunFacts, leader: NodeId, term: Term, index: number): Cause[] {
  const entryTerm = facts.committedEntry(index)?.term ?? 0;
  return [
    ...facts.creation(index, entryTerm),
    ...facts.copies(index, entryTerm),
    ...facts.commitment(index),
    ...facts.missed(leader, index, entryTerm),
    ...votesOf(facts, term),
  ];
}

/** I17: who held a lease, and who was elected meanwhile. */
export function leaseholder(facts: RunFacts, leader: NodeId, term: Term, holder: NodeId): Cause[] {
  const led = facts.last(({ kind, node, a, b }) => kind === "role" && node === holder && a === 3 && b < term);
  const heard = facts.last(
    ({ kind, node, message }) =>
      kind === "receive" && node === holder && facts.recorder.messages[message]?.kind === "append-reply",
  );
  return [
    ...(led === -1 ? [] : [{ line: led, text: `n${holder} becomes leader of term ${facts.lines[led]!.b}.` }]),
    ...(heard === -1
      ? []
      : [
          {
            line: heard,
            text: `n${holder} last hears a follower (n${facts.lines[heard]!.a}): its lease runs from the round that was acknowledged.`,
          },
        ]),
    ...votesOf(facts, term),
    {
      line: facts.end,
      text: `n${leader} is elected in term ${term} while n${holder} still answers reads from its lease.`,
    },
  ];
}
