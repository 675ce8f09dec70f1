/** Each node's log, vote and term, moment by moment. The page's script uses it, too. */
import type { TraceKind } from "../trace/vocabulary.ts";

/**
 * What a node holds. An entry is its number in the page's list of entries; the first one is at `base` + 1. `disk` says what a
 * node that is down has left of it: all, what was synced, or nothing.
 */
export type NodeLog = {
  readonly base: number;
  readonly baseTerm: number;
  readonly entries: readonly number[];
  /** Up to this index the disk holds it. */
  readonly durable: number;
  readonly term: number;
  /** 0: nobody. */
  readonly vote: number;
  readonly durableTerm: number;
  readonly durableVote: number;
  readonly disk: "whole" | "synced" | "empty";
};

/** From line `at` on. `log`: base, its term, the index up to which the log stays as it was, and the entries after it. */
export type PageNote = readonly [
  at: number,
  node: number,
  log: readonly number[] | 0,
  durable: number | null,
  hard: readonly [term: number, vote: number, durableTerm: number, durableVote: number] | 0,
];

/** Each node before the first line. */
export const emptyLog: NodeLog = {
  base: 0,
  baseTerm: 0,
  entries: [],
  durable: 0,
  term: 0,
  vote: 0,
  durableTerm: 0,
  durableVote: 0,
  disk: "whole",
};

/** The node's log after a note of it. */
export function noted(before: NodeLog, [, , log, durable, hard]: PageNote): NodeLog {
  let after = before;
  if (log !== 0) {
    const [base, baseTerm, keep, ...entries] = log as [number, number, number, ...number[]];
    const stays = keep <= base ? [] : before.entries.slice(Math.max(0, base - before.base), keep - before.base);
    after = { ...after, base, baseTerm, entries: [...stays, ...entries], disk: "whole" };
  }
  if (durable !== null) after = { ...after, durable };
  if (hard !== 0) {
    const [term, vote, durableTerm, durableVote] = hard;
    after = { ...after, term, vote, durableTerm, durableVote };
  }
  return after;
}

/** The node's log after a line of its own. */
export function logAfter(before: NodeLog, kind: TraceKind): NodeLog {
  if (kind === "wipe") return { ...before, disk: "empty" };
  if ((kind === "powerCut" || kind === "rowsLost") && before.disk === "whole") return { ...before, disk: "synced" };
  return before;
}

/** What is left of it on a machine that has lost power or was replaced, until its next process has read it. */
export function leftOf(log: NodeLog): NodeLog {
  if (log.disk === "whole") return log;
  if (log.disk === "empty") return { ...emptyLog, disk: "empty" };
  const { base, entries, durable, durableTerm: term, durableVote: vote } = log;
  return { ...log, entries: entries.slice(0, Math.max(0, durable - base)), term, vote };
}

/** Where the log ends, as RequestVote says it. `termOf`: of an entry by its number. */
export function endOf({ base, baseTerm, entries }: NodeLog, termOf: (entry: number) => number): [number, number] {
  const last = entries.at(-1);
  return [base + entries.length, last === undefined ? baseTerm : termOf(last)];
}
