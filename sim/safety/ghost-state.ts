/** State as bytes, read back in the plainest way. */
import { BadBytes } from "../../core/bytes.ts";
import { type SnapshotHeader, SnapshotReader } from "../../core/kv/snapshot.ts";
import { StateHash } from "../../core/kv/state-hash.ts";
import { type Checked, refused } from "../../core/result.ts";
import {
  decodeMeta,
  decodeRow,
  decodeSession,
  generationStart,
  keyOfRow,
  metaKey,
  sessionRange,
} from "../../core/storage/ordered-format.ts";

/** The `pairs` of the directory `storeId`; none, where they belong to a directory that it has replaced. */
export function rowsOf(storeId: string | null, pairs: ReadonlyMap<string, Uint8Array>): typeof pairs {
  const bytes = pairs.get(metaKey);
  return bytes !== undefined && decodeMeta(bytes).storeId !== storeId ? new Map() : pairs;
}

/** The entry that persistent rows are the state of, and their digest, row by row. */
export function readRows(pairs: ReadonlyMap<string, Uint8Array>): { readonly index: number; readonly digest: number } {
  const hash = new StateHash();
  const bytes = pairs.get(metaKey);
  if (bytes === undefined) return { index: 0, digest: hash.digest };
  const { generation, applied } = decodeMeta(bytes);
  for (const [key, value] of pairs) {
    if (key.startsWith(generationStart(generation))) hash.addRow(keyOfRow(key), decodeRow(value));
    else if (key >= sessionRange[0]) hash.addSession(decodeSession(value));
  }
  return { index: applied.index, digest: hash.digest };
}

/** What a snapshot file holds, or why it is none. */
export function readSnapshot(bytes: Uint8Array): Checked<{ header: SnapshotHeader; digest: number }> {
  let header: SnapshotHeader | null = null;
  const hash = new StateHash();
  const reader = new SnapshotReader({
    header: (one) => (header = one),
    sessions: (sessions) => {
      for (const session of sessions) hash.addSession(session);
    },
    rows: (rows) => {
      for (const [key, row] of rows) hash.addRow(key, row);
    },
  });
  try {
    reader.receive(bytes);
  } catch (error) {
    if (error instanceof BadBytes) return refused(error.message);
    throw error;
  }
  if (header === null || !reader.ended) return refused("is cut off");
  return { ok: true, value: { header, digest: hash.digest } };
}
