/**
 * The contract of the place where rows and sessions live. One write is in flight at a time, in order; reads of clients
 * may come between. A completion may come before the call returns. After an error the store is dead.
 */
import type { Row, RowChanges } from "../kv/machine.ts";
import type { Session, Sessions } from "../kv/sessions.ts";
import type { DiskError } from "../ports.ts";
import type { LogPosition } from "../protocol/entry.ts";
import type { Index, StoreId } from "../units.ts";

type Done = (error: DiskError | null) => void;

/** `refused`: what is there is not this directory's, or newer than this program; one line for the operator. */
export type StoreFailure =
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "disk"; readonly error: DiskError };

/** Rows, sessions and the applied index, which always belong together. One suite of tests holds every implementation. */
export interface StateStore {
  /**
   * Finds what an earlier process of the directory `storeId` has left. Rows of an owner that `drops` names are dropped,
   * durably; those of any other are refused. Call it once, before anything but `close`.
   */
  open(storeId: StoreId, drops: (owner: StoreId) => boolean, done: (failure: StoreFailure | null) => void): void;
  /** Rows outlive the process, and need no snapshot to be found again. Then only what is durable in the log is applied. */
  readonly isPersistent: boolean;
  /** The entry up to which rows and sessions are the fold of the log. */
  readonly applied: LogPosition;
  /** Up to here the state survives a power cut by itself; 0 for a store that is rebuilt from snapshot and log. */
  readonly durableIndex: Index;
  /** Makes durable what is applied now. Only where rows are persistent. */
  sync(done: Done): void;
  /** The rows of `keys`, in their order; null for an absent key. When it completes, they are those of `applied`. */
  read(keys: readonly string[], done: (error: DiskError | null, rows: readonly (Row | null)[]) => void): void;
  /** The sessions as of `applied`. The apply loop changes them in place, and says in `write` which have changed. */
  readonly sessions: Sessions;
  /** Takes the writes and `applied` as one: never one without the other, whatever happens. */
  write(writes: RowChanges, applied: LogPosition, done: Done): void;
  /** Everything at `applied`, held fast while writes go on. The holder calls `release`. */
  freeze(done: (error: DiskError | null, frozen: SnapshotView | null) => void): void;
  /** An empty place for a snapshot's content, beside the state; nothing is seen of it before its `commit`. One at a time. */
  beginInstall(): StateInstaller;
  /** Hash of rows and sessions, see kv/state-hash.ts. */
  readonly hash: { readonly digest: number; toString(): string };
  readonly rowCount: number;
  close(): void;
}

/** The state as it was at `place`, whatever is written meanwhile. Call `release` once, at the end or before. */
export interface SnapshotView {
  readonly place: LogPosition;
  readonly rowCount: number;
  readonly sessions: readonly Session[];
  /** The next `count` rows in order of their keys; fewer only at the end. */
  rows(count: number, done: (error: DiskError | null, rows: readonly (readonly [string, Row])[]) => void): void;
  release(): void;
}

/** Takes the state that is to replace the present one. Until `commit` completes the present one holds. */
export interface StateInstaller {
  /** Rows come in order of their keys. */
  put(rows: readonly (readonly [string, Row])[], done: Done): void;
  /** Replaces the state by what was put, at `place`, as one; durable where the store is persistent. */
  commit(sessions: readonly Session[], place: LogPosition, done: Done): void;
  abort(): void;
}
