/** What led to a broken law about members (I15): each configuration, who made it, and whether it was committed. */
import { entryKinds } from "../../../core/protocol/entry.ts";
import { changeNames } from "../../trace/vocabulary.ts";
import { entryWords } from "../entries.ts";
import type { Cause, RunFacts } from "./run-facts.ts";

const configurationsShown = 5;

/** The last configurations and change requests, in order. */
export function configurationsOf(facts: RunFacts): Cause[] {
  const made: Cause[] = [];
  // In words: where a run begins near 2^53, no number holds both.
  const seen = new Set<string>();
  for (const { at, node, log } of facts.recorder.notes) {
    for (const entry of log?.entries ?? []) {
      const { index, term } = entry;
      if (entry.kind !== entryKinds.configuration || seen.has(`${index} ${term}`)) continue;
      seen.add(`${index} ${term}`);
      made.push({ line: at, text: `n${node} appends entry ${index} (term ${term}), a ${entryWords(entry)}.` });
      const committed = facts.commitOf(index);
      if (committed === -1) made.push({ line: null, text: `Entry ${index} has not been committed by the end.` });
      else made.push(...facts.commitment(index));
    }
  }
  const asked = [...facts.lines.keys()].flatMap((line): Cause[] => {
    const { kind, node, a, b } = facts.lines[line]!;
    if (kind !== "change") return [];
    return [{ line, text: `The operator asks n${node}: ${changeNames[a]} n${b}.` }];
  });
  const ordered = [...made.slice(-2 * configurationsShown), ...asked.slice(-configurationsShown)];
  return ordered.toSorted((a, b) => (a.line ?? facts.end) - (b.line ?? facts.end));
}
