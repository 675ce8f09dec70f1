/**
 * When the node takes a snapshot, and what it lets go of then. One at a time; the log keeps some trailing entries, so
 * that a follower that is a little behind needs no snapshot.
 */
import { assert } from "../assert.ts";
import type { Raft } from "../raft/raft.ts";
import type { SnapshotStore } from "../storage/snapshot-store.ts";
import type { Wal } from "../storage/wal.ts";
import type { Index } from "../units.ts";
import type { ContextOf } from "./context.ts";
import type { SnapshotOptions } from "./options.ts";

type SnapshottingContext = ContextOf<"genesis" | "onDiskError" | "schedule" | "store" | "trace", keyof SnapshotOptions>;

/** One for each boot. It compacts the log only behind a durable snapshot or durable rows. */
export class Snapshotting {
  readonly #context: SnapshottingContext;
  readonly #store: SnapshottingContext["store"];
  readonly #snapshots: SnapshotStore;
  readonly #raft: Raft;
  readonly #wal: Wal;
  #writing = false;
  #bytesSince = 0;
  /** What trails behind `#trailedFor` begins after `#trailFrom`. */
  #trailedFor: Index = -1;
  #trailFrom: Index = 0;

  /** A turn is asked for when the state is durable further than before. */
  constructor(context: SnapshottingContext, snapshots: SnapshotStore, raft: Raft, wal: Wal) {
    this.#context = context;
    this.#store = context.store;
    this.#snapshots = snapshots;
    this.#raft = raft;
    this.#wal = wal;
  }

  /** An entry of that size was applied. */
  applied(bytes: number): void {
    assert(bytes > 0, "an entry has bytes");
    this.#bytesSince += bytes;
  }

  /** Up to here the state survives without the log. */
  get #covered(): Index {
    return this.#store.isPersistent ? this.#store.durableIndex : (this.#snapshots.latest?.index ?? 0);
  }

  /**
   * Begins to make the state durable where that is due: by its limits, but not before what was applied comes to half of
   * the last snapshot's size, or a large state would be written again and again. Rows in memory are written as a
   * snapshot. Persistent rows are synced in place; a snapshot of them is written only for a peer that needs one up to
   * `wantedIndex`.
   */
  advance(wantedIndex: Index): void {
    const { index } = this.#store.applied;
    assert(this.#store.durableIndex <= index, "no more is durable than was applied");
    const entriesSince = index - this.#covered;
    const { snapshotEntries, snapshotBytes } = this.#context.options;
    const isSmall = this.#bytesSince * 2 < (this.#snapshots.latest?.sizeBytes ?? 0);
    const isFar =
      !isSmall && entriesSince > 0 && (entriesSince >= snapshotEntries || this.#bytesSince >= snapshotBytes);
    const isWanted = wantedIndex > (this.#snapshots.latest?.index ?? 0) && wantedIndex <= index;
    // A node that has lost its rows has nothing to keep.
    if (this.#writing || index < this.#raft.log.baseIndex) return;
    if (isWanted || (isFar && !this.#store.isPersistent)) this.#write();
    else if (isFar) this.#sync();
  }

  #sync(): void {
    assert(!this.#writing, "the state is made durable once at a time");
    this.#writing = true;
    this.#bytesSince = 0;
    this.#store.sync((error) => {
      if (error !== null) return this.#context.onDiskError(error);
      this.#writing = false;
      this.#context.schedule();
    });
  }

  #write(): void {
    assert(!this.#writing, "the state is made durable once at a time");
    this.#writing = true;
    this.#bytesSince = 0;
    this.#store.freeze((error, frozen) => {
      if (error !== null || frozen === null)
        return this.#context.onDiskError(error ?? { code: "EIO", message: "nothing frozen" });
      const { place, rowCount, sessions } = frozen;
      const configuration = this.#raft.log.configurations.at(place.index);
      const { cluster } = this.#context.genesis;
      const header = { cluster, place, configuration, sessionCount: sessions.length, rowCount };
      this.#snapshots.write(header, frozen, (snapshot) => {
        this.#writing = false;
        this.#context.trace.note(
          "info",
          `snapshot of ${rowCount} rows at entry ${snapshot.index}: ${snapshot.sizeBytes} bytes`,
        );
        this.#context.schedule();
      });
    });
  }

  /** Lets go of what is durable without the log, but nothing after `keepAfter`: what somebody is being sent. */
  compact(keepAfter: Index): void {
    const { log } = this.#raft;
    const covered = this.#covered;
    if (covered !== this.#trailedFor) this.#trailFrom = this.#trail(covered);
    this.#trailedFor = covered;
    assert(this.#trailFrom <= covered, "the log is never compacted beyond what is durable without it");
    const index = Math.min(this.#trailFrom, keepAfter, log.durableIndex, this.#store.applied.index);
    if (index > log.baseIndex) this.#raft.compact(index);
    this.#wal.purge();
    if (keepAfter === Infinity) this.#dropSnapshot();
  }

  /** The last entry that goes, by the limits of what trails. */
  #trail(covered: Index): Index {
    const { log } = this.#raft;
    const { trailingEntries, trailingBytes } = this.#context.options;
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
