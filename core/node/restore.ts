/** Raft and its log as a directory has left them. */
import { BadBytes } from "../bytes.ts";
import type { HardState } from "../protocol/entry.ts";
import { RaftLog } from "../raft/log.ts";
import { Raft } from "../raft/raft.ts";
import { type ReconciledLog, reconcileLog } from "../storage/reconcile-log.ts";
import { Wal } from "../storage/wal.ts";
import { bootstrapBase } from "./bootstrap.ts";
import type { ReplicaHost } from "./context.ts";
import type { Opened } from "./opening.ts";
import type { Ending } from "./options.ts";

/** They agree: the WAL holds what the log of `raft` does, and takes what comes next. */
export type Restored = { readonly raft: Raft; readonly wal: Wal };

/** How the node ends: the log and what is applied make no whole, or the log holds what cannot be read. */
type RestoreResult = { readonly ok: true; readonly value: Restored } | { readonly ok: false; readonly ending: Ending };

function damaged(reason: string): RestoreResult {
  return { ok: false, ending: { code: "damaged", reason } };
}

/** Raft and WAL as the directory has them, ready for the first turn; nothing is written yet but a base that was missing. */
export function restore(host: ReplicaHost, opened: Opened): RestoreResult {
  const { genesis, identity, store } = host;
  const founding = bootstrapBase(identity.founders, genesis);
  const joined = reconcileLog(opened.log, founding, opened.snapshot, store.applied);
  if (!joined.ok) return damaged(joined.reason);
  try {
    const raft = restoreRaft(host, opened.hardState, joined.value);
    return { ok: true, value: { raft, wal: restoreWal(host, opened, joined.value) } };
  } catch (thrown) {
    if (!(thrown instanceof BadBytes)) throw thrown;
    return damaged(thrown.message);
  }
}

function restoreRaft(
  { clock, identity, options, random, store }: ReplicaHost,
  durable: HardState,
  { base, entries }: ReconciledLog,
): Raft {
  const { boot, incarnation, node } = identity;
  const log = new RaftLog(base, entries);
  // An index may have been bound twice, in two terms: a leader of before it was accepted is not listened to.
  const isNew = durable.term < identity.sinceTerm;
  const hardState = isNew ? { term: identity.sinceTerm, vote: node } : durable;
  const raftOptions = { ...options, boot, incarnation, voteBarrierIndex: identity.rebound ? incarnation : 0 };
  return new Raft(raftOptions, { hardState, log, applied: store.applied.index }, random, clock.now());
}

function restoreWal(host: ReplicaHost, { identityFile, tail }: Opened, { base, needsBase }: ReconciledLog): Wal {
  const { clock, disk, identity, onDiskError, options } = host;
  const recovered = { storeId: identity.storeId, extents: identityFile, tail };
  const wal = new Wal({ disk, clock, onDiskError }, recovered, {
    segmentBytesMax: options.walSegmentBytesMax,
    idleWatermarkMicros: options.idleWatermarkMicros,
  });
  if (needsBase) wal.replaceBy(base);
  return wal;
}
