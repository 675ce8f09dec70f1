import type { Raft } from "../../core/raft/raft.ts";
import type { GhostLog } from "./ghost-log.ts";

/** Whether a log in memory and a log of the ghost hold the same entry at `index`, and so, by I5, the same prefix. */
export function agrees(raft: Raft | null, log: GhostLog, index: number): boolean {
  if (index === 0) return true;
  if (raft === null || index > raft.log.lastIndex || index > log.last) return false;
  // What either begins after is committed, and so the same in both.
  if (index < raft.log.baseIndex || index < log.base) return true;
  if (index === raft.log.baseIndex || index === log.base) return raft.log.termAt(index) === log.termAt(index);
  const { term, crc } = raft.log.entryAt(index);
  return term === log.termAt(index) && crc === log.crcAt(index);
}
