/** What the ghost knows of logs and nodes, as far as the laws ask for it. They stand below the ghost, and judge values only. */
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId, Term } from "../../core/units.ts";

/** A hard state, as bytes on a disk say it; vote 0: nobody. */
export type Hard = { readonly term: Term; readonly vote: NodeId };

/** A log, by term and checksum of each entry. */
export type LogFacts = {
  /** It begins after this index. */
  readonly base: number;
  readonly last: number;
  readonly lastTerm: Term;
  /** -1 below the base and beyond the end; `crcAt` at the base, too. */
  termAt(index: number): number;
  crcAt(index: number): number;
  /** Equal where two logs are equal up to `index`; -1 below the base and beyond the end. */
  chainAt(index: number): number;
};

/** One node: what its disks hold, and how far it has come in this boot. safety/ghost-node.ts says it of each. */
export type NodeFacts = {
  readonly id: NodeId;
  readonly written: LogFacts;
  readonly writtenHard: Hard;
  readonly durable: LogFacts;
  readonly durableHard: Hard;
  readonly covered: number;
  readonly found: number;
  readonly snapshot: number;
  readonly commit: number;
  readonly applied: number;
  readonly acknowledged: { readonly term: Term; readonly index: number };
  readonly boundTerm: Term;
};

/** Whether a log in memory and a log of the ghost hold the same entry at `index`, and so, by I5, the same prefix. */
export function agrees(raft: Raft | null, log: LogFacts, index: number): boolean {
  if (index === 0) return true;
  if (raft === null || index > raft.log.lastIndex || index > log.last) return false;
  // What either begins after is committed, and so the same in both.
  if (index < raft.log.baseIndex || index < log.base) return true;
  if (index === raft.log.baseIndex || index === log.base) return raft.log.termAt(index) === log.termAt(index);
  const { term, crc } = raft.log.entryAt(index);
  return term === log.termAt(index) && crc === log.crcAt(index);
}

/** Whether two logs of the ghost both reach `index` and are equal up to there. What either begins after is committed. */
export function areEqualUpTo(one: LogFacts, other: LogFacts, index: number): boolean {
  if (index > one.last || index > other.last) return false;
  return index <= one.base || index <= other.base || one.chainAt(index) === other.chainAt(index);
}
