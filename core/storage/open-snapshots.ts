/** Which snapshot files are open: the latest, and those that somebody holds. */
import { assert } from "../assert.ts";
import type { DiskFile } from "../ports.ts";
import type { Index, Term } from "../units.ts";

/** A whole and durable snapshot file. */
export type SnapshotFile = {
  readonly name: string;
  readonly index: Index;
  readonly term: Term;
  readonly sizeBytes: number;
  /** CRC-32 over the whole file. */
  readonly crc: number;
  readonly file: DiskFile;
};

/** The open files of one SnapshotStore. At most one is the latest; an older one stays open while somebody holds it. */
export class OpenSnapshots {
  #latest: SnapshotFile | null = null;
  readonly #holders = new Map<SnapshotFile, number>();
  #closed = false;

  /** The newest durable snapshot. */
  get latest(): SnapshotFile | null {
    return this.#latest;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Keeps the snapshot's file open, also when a newer one takes its place, until `release`. */
  hold(snapshot: SnapshotFile): void {
    assert(snapshot === this.#latest || this.#holders.has(snapshot), "only a file that is open is held");
    this.#holders.set(snapshot, (this.#holders.get(snapshot) ?? 0) + 1);
  }

  release(snapshot: SnapshotFile): void {
    const count = this.#holders.get(snapshot);
    assert(count !== undefined, "a snapshot is released as often as it was held");
    if (count > 1) {
      this.#holders.set(snapshot, count - 1);
      return;
    }
    this.#holders.delete(snapshot);
    if (this.#closed || this.#latest !== snapshot) snapshot.file.close();
  }

  /** After `close` it only closes the file: a snapshot that was on its way has come too late. */
  replaceLatest(snapshot: SnapshotFile): void {
    if (this.#closed) return snapshot.file.close();
    assert(this.#latest === null || this.#latest.index < snapshot.index, "snapshots go forward");
    this.#closeLatest();
    this.#latest = snapshot;
  }

  /** The file `name` goes: it is the latest no more. */
  forget(name: string): void {
    if (this.#closed || this.#latest?.name !== name) return;
    this.#closeLatest();
    this.#latest = null;
  }

  #closeLatest(): void {
    assert(!this.#closed, "no file is closed twice: its descriptor may be another's by then");
    if (this.#latest !== null && !this.#holders.has(this.#latest)) this.#latest.file.close();
  }

  /** The latest stays what it was; who still holds a file closes it by `release`. */
  close(): void {
    this.#closeLatest();
    this.#closed = true;
  }
}
