/** What keeps a healed core from coming back (L1 to L7): what each node is at the end, and what happened last. */
import type { NodeId } from "../../../core/units.ts";
import type { Cause, RunFacts } from "./run-facts.ts";

/** Of the core's `nodes`, what each came to. */
export function stallOf(facts: RunFacts, nodes: readonly NodeId[]): Cause[] {
  const healed = facts.first(({ kind }) => kind === "phase");
  const led = facts.leaderships.at(-1);
  const committed = facts.last(({ kind }) => kind === "commit");
  const causes: Cause[] = [];
  if (healed !== -1)
    causes.push({
      line: healed,
      text: "The faults end: a core of nodes is healed, which must elect a leader and answer.",
    });
  if (led !== undefined)
    causes.push({ line: led, text: `The last leader: n${facts.lines[led]!.node}, of term ${facts.lines[led]!.b}.` });
  if (committed !== -1)
    causes.push({
      line: committed,
      text: `The last commit: n${facts.lines[committed]!.node} up to entry ${facts.lines[committed]!.a}.`,
    });
  for (const node of nodes) {
    const { words, line } = facts.roleAt(node);
    if (line === -1) continue;
    const hard = facts.note(node, "hard");
    const vote = hard === null || hard.vote === 0 ? "no vote" : `a vote for n${hard.vote}`;
    const said = hard === null ? "" : `; it is in term ${hard.term} with ${vote}`;
    causes.push({ line, text: `n${node} ${words} since then${said}.` });
  }
  return causes.toSorted((a, b) => a.line! - b.line!);
}
