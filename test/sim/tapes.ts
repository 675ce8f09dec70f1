/** The kept tapes: each run holds, and fails with the mutant that it is kept for. */
import type { Mutant } from "../../mutation/mutant.ts";
import { mutants } from "../../mutation/mutants/all.ts";
import { mutantsOfTapes } from "../../mutation/mutants/tapes.ts";

export type KeptTape = { readonly tape: string; readonly what: string; readonly mutant: string };

export const keptTapes: readonly KeptTape[] = [
  {
    tape: "unobserved-write",
    what: "failed compare-and-sets behind an indeterminate write that nobody saw are decided without a search",
    mutant: "the checker decides operations that nobody can observe",
  },
  {
    tape: "new-member-long-log",
    what: "a new machine gets a long log entry by entry: its time grows with that",
    mutant: "the time of a new machine does not grow with the log",
  },
  {
    tape: "word-of-peer-kept",
    what: "what a peer says of itself outlives a change of the configuration: it is said once on each stream",
    mutant: "what a peer has said is forgotten when the configuration first names it",
  },
  {
    tape: "late-vote",
    what: "a vote of an older term, granted late, elects nobody",
    mutant: "a granted vote of an older term is counted",
  },
  {
    tape: "leader-without-rows",
    what: "a leader that has lost its rows hands over",
    mutant: "a leader without rows keeps the lead",
  },
  {
    tape: "rows-of-earlier-directory",
    what: "tier b: rows of the directory that a machine had before count as nothing, for the ghost too",
    mutant: "the ghost counts rows of an earlier directory",
  },
  {
    tape: "match-of-lost-log",
    what: "what a lost log had acknowledged is not asked of its successor",
    mutant: "the ghost asks a successor for what a lost log had acknowledged",
  },
  {
    tape: "log-cut-at-commit",
    what: "a leader whose log was compacted up to its commit index still knows that it has committed in its term",
    mutant: "a leader forgets at a compaction that it has committed in its term",
  },
  {
    tape: "disk-backlog",
    what: "what waits for a slow disk counts in the time that the laws allow",
    mutant: "the laws do not count what waits for a disk",
  },
  {
    tape: "catch-up-entry-by-entry",
    what: "a new leader commits behind all that an earlier one has left, entry by entry on a slow disk: the time grows with that",
    mutant: "the laws do not count what members lack",
  },
  {
    tape: "configuration-beyond-compaction",
    what: "a restart finds the newest configuration of snapshot and log",
    mutant: "restart reads the configuration only up to the base",
  },
  {
    tape: "term-of-later-incarnation",
    what: "a node that is spoken to as a later incarnation says its term once that is durable",
    mutant: "whoever takes a node for a later incarnation is told a term that is not durable",
  },
  {
    tape: "copy-started-twice",
    what: "tier b: an older copy that starts twice before it meets anybody counts as many starts as its peers have met: that is beyond what can be told",
    mutant: "an older copy may start until its number is beyond what peers have met",
  },
  {
    tape: "ended-in-its-turn",
    what: "a node that ends at an entry it cannot apply reads no snapshot in the rest of that turn: the file is closed",
    mutant: "a turn goes on after its node has ended",
  },
  {
    tape: "rebound-knows-no-voters",
    what: "one of two founders, rebound and empty, tells the other, whose log is lost, nothing: the cluster has grown since",
    mutant: "a rebound node goes by the founders' configuration",
  },
  {
    tape: "rest-of-few-tries",
    what: "where a snapshot rests after three tries in vain, the next try is another attempt, though the rest is short",
    mutant: "a rest is taken to last for ten tries",
  },
  {
    tape: "emptied-rows",
    what: "rows that were emptied with a lost log hold back nothing of the new one",
    mutant: "rows that were emptied count as durable",
  },
  {
    tape: "confirmed-while-adopting",
    what: "a directory that is writing down that it was accepted does not say that it may be bound as a later incarnation",
    mutant: "a directory that is accepted may be bound once more",
  },
  {
    tape: "quorum-needs-lost-log",
    what: "the log of a voter is not lost while a newer configuration, not known to be committed, cannot do without it",
    mutant: "a log is redundant by the committed configuration alone",
  },
  {
    tape: "list-of-lost-log",
    what: "a founder by itself, rebound after its log was lost, is started with the list of the founders again",
    mutant: "a list names all machines for good once a log was lost",
  },
];

export function pathOf({ tape }: KeptTape): string {
  return `test/sim/tapes/${tape}.json`;
}

/** The mutant that `kept` detects. */
export function mutantOf(kept: KeptTape): Mutant {
  const found = [...mutantsOfTapes, ...mutants].find(({ name }) => name === kept.mutant);
  if (found === undefined) throw new Error(`no mutant is named "${kept.mutant}"`);
  return found;
}
