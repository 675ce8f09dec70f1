/**
 * How what is applied and the WAL make one log after a crash. A snapshot becomes durable before the log is told of it, so
 * the log may end before it, or hold other entries where it stands.
 */
import type { CompactionPoint } from "../protocol/configuration.ts";
import type { Entry, LogPosition } from "../protocol/entry.ts";
import { type Checked, refused } from "../result.ts";
import type { WalLog } from "./wal-recovery.ts";

/** The log that a node starts with. `entries` follow `base` without a gap. */
export type ReconciledLog = {
  readonly base: CompactionPoint;
  readonly entries: readonly Entry[];
  /** The WAL does not say so yet: a base record must come before any new entry. */
  readonly needsBase: boolean;
};

function whole(value: ReconciledLog): Checked<ReconciledLog> {
  return { ok: true, value };
}

/** Whether the WAL holds the entry at `place`, or what follows it. */
export function holdsPosition({ base, entries }: WalLog, { index, term }: LogPosition): boolean {
  const first = base?.place ?? { index: 0, term: 0 };
  if (index < first.index) return true;
  return index === first.index ? term === first.term : entries[index - first.index - 1]?.term === term;
}

/**
 * Joins the log with what is applied, from `snapshot` where the log does not reach so far. A log that does not hold that
 * entry otherwise is not whole, and the reason is returned. `founding` holds from entry 1 on.
 */
export function reconcileLog(
  log: WalLog,
  founding: CompactionPoint,
  snapshot: CompactionPoint | null,
  applied: LogPosition,
): Checked<ReconciledLog> {
  const { entries } = log;
  if (holdsPosition(log, applied)) return whole({ base: log.base ?? founding, entries, needsBase: false });
  // What the log holds was never the leader's; the snapshot is.
  if (snapshot?.place.index === applied.index) return whole({ base: snapshot, entries: [], needsBase: true });
  return refused(`the rows are those of entry ${applied.index} of term ${applied.term}, which the log does not hold`);
}
