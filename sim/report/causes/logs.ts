/** What led to a broken law about entries: I5, I7 to I12, and what logs and disks hold. */
import type { Index, NodeId, Term } from "../../../core/units.ts";
import { entriesWords } from "../messages.ts";
import type { Cause, RunFacts } from "./run-facts.ts";

/** I7: what the follower had on its disk when it acknowledged `index`. */
export function undurableAcknowledgement(facts: RunFacts, node: NodeId, index: Index, durable: Index): Cause[] {
  const first = durable + 1;
  const brought = facts.last(({ kind, node: to, message }) => {
    const said = facts.recorder.messages[message];
    return (
      kind === "receive" && to === node && said?.kind === "append" && said.entries.some((one) => one.index === index)
    );
  });
  const term = facts.arrivals(index).findLast((one) => one.node === node)?.entry.term ?? 0;
  const causes: Cause[] = [];
  const leads = facts.leadership(term);
  if (leads !== -1) causes.push({ line: leads, text: `n${facts.lines[leads]!.node} leads term ${term}.` });
  causes.push(...facts.creation(index, term));
  const what = entriesWords(first, index - durable);
  if (brought !== -1)
    causes.push({
      line: brought,
      text: `n${node} receives AppendEntries with entry ${index} from n${facts.lines[brought]!.a}.`,
    });
  causes.push(
    {
      line: facts.end,
      text: `n${node} has ${what} in memory only: the fsync has not completed, and its disk ends at ${durable}.`,
    },
    {
      line: facts.end,
      text: `It replies success with match index ${index}, and the leader will count it. After a power cut now n${node} would not have ${what}, though a majority may have been counted with it: a committed entry could be lost.`,
    },
  );
  return causes;
}

/** I7: `node` commits what too few hold. */
export function uncoveredCommit(facts: RunFacts, node: NodeId, index: Index, holders: readonly NodeId[]): Cause[] {
  const term = facts.arrivals(index).findLast((one) => one.node === node)?.entry.term ?? 0;
  const acknowledgements = [...facts.lines.keys()].flatMap((line) => {
    const said = facts.messageAt(line);
    const is =
      facts.lines[line]!.kind === "receive" &&
      facts.lines[line]!.node === node &&
      said?.kind === "append-reply" &&
      said.success &&
      said.matchIndex >= index;
    return is ? [{ line, from: facts.lines[line]!.a }] : [];
  });
  const firsts = acknowledgements.filter(({ from }, k) => acknowledgements.findIndex((one) => one.from === from) === k);
  const held = holders.length === 0 ? "no disk" : holders.map((id) => `n${id}`).join(", ");
  return [
    ...facts.creation(index, term),
    ...facts.copies(index, term),
    ...firsts.map(({ line, from }) => ({
      line,
      text: `n${node} receives the success of n${from} for entry ${index}.`,
    })),
    {
      line: facts.end,
      text: `n${node} commits entry ${index}. On disk it is on ${held} only, which is no majority of the voters.`,
    },
  ];
}

/** Figure 8 of the paper: an entry of an earlier term is committed by counting. */
export function countedOldTerm(facts: RunFacts, node: NodeId, index: Index, term: Term, current: Term): Cause[] {
  const leads = facts.leadership(current);
  return [
    ...facts.creation(index, term),
    ...(leads === -1 ? [] : [{ line: leads, text: `n${facts.lines[leads]!.node} becomes leader of term ${current}.` }]),
    ...facts.copies(index, term),
    {
      line: facts.end,
      text: `n${node} commits entry ${index} of term ${term} by counting copies. A leader of another term could still overwrite it (figure 8): only an entry of term ${current} may be counted.`,
    },
  ];
}

/** All entries that were ever made for `index`: who made each, and where it went. */
export function rivalsAt(facts: RunFacts, index: Index): Cause[] {
  const terms = [...new Set(facts.arrivals(index).map(({ entry }) => entry.term))];
  const rivals = terms.flatMap((term) => [...facts.creation(index, term), ...facts.copies(index, term)]);
  return [...rivals, ...facts.commitment(index)];
}
