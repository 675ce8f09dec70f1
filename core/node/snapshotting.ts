/**
 * When the node takes a snapshot, and what it lets go of then. One at a time; the log keeps some trailing entries, so
 * that a follower that is a little behind needs no snapshot.
 */
import { assert } from "../assert.ts";
import type { Trace } from "../ports.ts";
import type { Raft } from "../raft/raft.ts";
import type { SnapshotStore } from "../storage/snapshot-store.ts";
import type { StateStore } from "../storage/state-store.ts";
import type { Wal } from "../storage/wal.ts";
import type { ClusterId, Index } from "../units.ts";

export type SnapshotOptions = {
  /** A snapshot is taken when this many entries, or bytes of entries, were applied since the last one. */
  readonly snapshotEntries: number;
  readonly snapshotBytes: number;
  /** Entries below the snapshot that stay in the log. */
  readonly trailingEntries: number;
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
  #writing = false;
  #bytesSince = 0;

  constructor(
    snapshots: SnapshotStore,
    store: StateStore,
    raft: Raft,
    wal: Wal,
    cluster: ClusterId,
    trace: Trace,
    onWritten: () => void,
    options: SnapshotOptions,
  ) {
    this.#snapshots = snapshots;
    this.#store = store;
    this.#raft = raft;
    this.#wal = wal;
    this.#cluster = cluster;
    this.#trace = trace;
    this.#onWritten = onWritten;
    this.#options = options;
  }

  /** An entry of that size was applied. */
  applied(bytes: number): void {
    this.#bytesSince += bytes;
  }

  /** Begins to write a snapshot where one is due. The store is not written to in this very moment. */
  advance(): void {
    const { index } = this.#store.applied;
    const entriesSince = index - (this.#snapshots.latest?.index ?? 0);
    const isDue = entriesSince >= this.#options.snapshotEntries || this.#bytesSince >= this.#options.snapshotBytes;
    if (this.#writing || !isDue || entriesSince === 0) return;
    this.#writing = true;
    this.#bytesSince = 0;
    this.#store.freeze((error, frozen) => {
      if (error !== null || frozen === null) return; // The store is dead, and has said so.
      const { place, rowCount, sessions } = frozen;
      assert(place.index === index, "frozen at the applied entry");
      const configuration = this.#raft.log.configurations.at(index);
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

  /** Lets go of what the durable snapshot covers, but nothing after `keepAfter`: what somebody is being sent. */
  compact(keepAfter: Index): void {
    const snapshot = this.#snapshots.latest;
    if (snapshot === null) return;
    const { log } = this.#raft;
    const index = Math.min(
      snapshot.index - this.#options.trailingEntries,
      keepAfter,
      log.durableIndex,
      this.#store.applied.index,
    );
    if (index > log.baseIndex) this.#raft.compact(index);
    this.#wal.purge(log.baseIndex);
  }
}
