/**
 * When the node takes a snapshot, and what it lets go of then. One at a time; the log keeps some trailing entries, so
 * that a follower that is a little behind needs no snapshot.
 */
import type { DiskError, Trace } from "../ports.ts";
import type { Raft } from "../raft/raft.ts";
import type { SnapshotStore } from "../storage/snapshot-store.ts";
import type { StateStore } from "../storage/state-store.ts";
import type { Wal } from "../storage/wal.ts";
import type { ClusterId, Index } from "../units.ts";

export type SnapshotOptions = {
  /**
   * A snapshot is taken when this many entries, or bytes of entries, were applied since the last one; but not before they
   * come to half of its size, or a large state would be written again and again.
   */
  readonly snapshotEntries: number;
  readonly snapshotBytes: number;
  /** Entries that stay in the log though they are covered, for followers a little behind: at most so many, and so large. */
  readonly trailingEntries: number;
  readonly trailingBytes: number;
};

export class Snapshotting {
  readonly #snapshots: SnapshotStore;
  readonly #store: StateStore;
  readonly #raft: Raft;
  readonly #wal: Wal;
  readonly #cluster: ClusterId;
  readonly #trace: Trace;
  readonly #options: SnapshotOptions;
  readonly #onWritten: () => void;
  readonly #onDiskError: (error: DiskError) => void;
  #writing = false;
  #bytesSince = 0;
  /** What trails behind `#trailedFor` begins after `#trailFrom`. */
  #trailedFor: Index = -1;
  #trailFrom: Index = 0;

  constructor(
    snapshots: SnapshotStore,
    store: StateStore,
    raft: Raft,
    wal: Wal,
    cluster: ClusterId,
    trace: Trace,
    onWritten: () => void,
    onDiskError: (error: DiskError) => void,
    options: SnapshotOptions,
  ) {
    this.#snapshots = snapshots;
    this.#store = store;
    this.#raft = raft;
    this.#wal = wal;
    this.#cluster = cluster;
    this.#trace = trace;
    this.#onWritten = onWritten;
    this.#onDiskError = onDiskError;
    this.#options = options;
  }

  /** An entry of that size was applied. */
  applied(bytes: number): void {
    this.#bytesSince += bytes;
  }

  /** Up to here the state survives without the log. */
  get #covered(): Index {
    return this.#store.isPersistent ? this.#store.durableIndex : (this.#snapshots.latest?.index ?? 0);
  }

  /**
   * Begins to make the state durable where that is due: as a snapshot, or, where rows are persistent, in their own place;
   * then a snapshot is written only for one that needs it to reach `wantedIndex`.
   */
  advance(wantedIndex: Index): void {
    const { index } = this.#store.applied;
    const entriesSince = index - this.#covered;
    const { snapshotEntries, snapshotBytes } = this.#options;
    const isSmall = this.#bytesSince * 2 < (this.#snapshots.latest?.sizeBytes ?? 0);
    const isFar =
      !isSmall && entriesSince > 0 && (entriesSince >= snapshotEntries || this.#bytesSince >= snapshotBytes);
    const isWanted = wantedIndex > (this.#snapshots.latest?.index ?? 0) && wantedIndex <= index;
    // One that has lost its rows has nothing to keep.
    if (this.#writing || index < this.#raft.log.baseIndex) return;
    if (isWanted || (isFar && !this.#store.isPersistent)) this.#write();
    else if (isFar) this.#sync();
  }

  #sync(): void {
    this.#writing = true;
    this.#bytesSince = 0;
    this.#store.sync((error) => {
      if (error !== null) return this.#onDiskError(error);
      this.#writing = false;
      this.#onWritten();
    });
  }

  #write(): void {
    this.#writing = true;
    this.#bytesSince = 0;
    this.#store.freeze((error, frozen) => {
      if (error !== null || frozen === null)
        return this.#onDiskError(error ?? { code: "EIO", message: "nothing frozen" });
      const { place, rowCount, sessions } = frozen;
      const configuration = this.#raft.log.configurations.at(place.index);
      const header = { cluster: this.#cluster, place, configuration, sessionCount: sessions.length, rowCount };
      this.#snapshots.write(header, frozen, (snapshot) => {
        this.#writing = false;
        this.#trace.note(
          "info",
          `snapshot of ${rowCount} rows at entry ${snapshot.index}: ${snapshot.sizeBytes} bytes`,
        );
        this.#onWritten();
      });
    });
  }

  /** Lets go of what is durable without the log, but nothing after `keepAfter`: what somebody is being sent. */
  compact(keepAfter: Index): void {
    const { log } = this.#raft;
    const covered = this.#covered;
    if (covered !== this.#trailedFor) this.#trailFrom = this.#trail(covered);
    this.#trailedFor = covered;
    const index = Math.min(this.#trailFrom, keepAfter, log.durableIndex, this.#store.applied.index);
    if (index > log.baseIndex) this.#raft.compact(index);
    this.#wal.purge();
    if (keepAfter === Infinity) this.#dropSnapshot();
  }

  /** The last entry that goes, by the limits of what trails. */
  #trail(covered: Index): Index {
    const { log } = this.#raft;
    const { trailingEntries, trailingBytes } = this.#options;
    const first = Math.max(log.baseIndex, covered - trailingEntries);
    let index = Math.min(covered, log.lastIndex);
    for (let bytes = 0; index > first; index--) {
      bytes += log.entryAt(index).bytes.length;
      if (bytes > trailingBytes) break;
    }
    return index;
  }

  /** Where rows are persistent a snapshot is there to be sent or received; it goes once rows and log stand without it. */
  #dropSnapshot(): void {
    const snapshot = this.#snapshots.latest;
    if (!this.#store.isPersistent || snapshot === null || this.#writing) return;
    const { log } = this.#raft;
    const reach = Math.min(this.#store.durableIndex, log.durableIndex);
    if (reach < snapshot.index || this.#wal.durableBase < log.baseIndex) return;
    this.#snapshots.remove([snapshot.name], () => undefined);
  }
}
