/**
 * How the newest snapshot and the WAL make one log after a crash. The snapshot comes first: it is made durable before the
 * log is told of it, so the log may end before it, or hold other entries where it stands.
 */
import type { Entry, LogPlace } from "../raft/messages.ts";
import type { WalLog } from "./wal-recovery.ts";

export type JoinedLog = {
  readonly base: LogPlace;
  readonly entries: readonly Entry[];
  /** The WAL does not say so yet: a base record must come before any new entry. */
  readonly needsBase: boolean;
};

/** Joins them, or says why they cannot be of one log: then something that was durable is gone. */
export function joinLog(snapshot: LogPlace | null, log: WalLog): JoinedLog | string {
  const { base, entries } = log;
  if (snapshot === null) {
    if (base.index > 0) return `the log begins after entry ${base.index}, but there is no snapshot`;
    return { base, entries, needsBase: false };
  }
  const { index, term } = snapshot;
  if (index < base.index) return `the log begins after entry ${base.index}, but the snapshot ends at ${index}`;
  const isBase = index === base.index && (base.term === term || base.term === -1);
  const holdsIt = isBase || entries[index - base.index - 1]?.term === term;
  if (holdsIt) return { base: snapshot, entries: entries.slice(index - base.index), needsBase: false };
  // What the log holds was never the leader's; the snapshot is.
  return { base: snapshot, entries: [], needsBase: true };
}
