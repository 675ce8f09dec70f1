/**
 * Snapshots as files of one directory. A file is written aside, synced, renamed, and the directory synced: what has a
 * snapshot's name is whole. Everything large happens in slices, a turn each, so that the node's loop is never held.
 */
import { assert } from "../assert.ts";
import { BadBytes, crc32, Writer } from "../bytes.ts";
import {
  beginSnapshot,
  endSnapshot,
  type SnapshotHeader,
  SnapshotReader,
  writeRows,
  writeSessions,
} from "../kv/snapshot.ts";
import type { LimitsOf } from "../limits.ts";
import type { Clock, Disk, DiskError, DiskFile, Trace } from "../ports.ts";
import { type Checked, passed, refused } from "../result.ts";
import type { ClusterId, Index, Term } from "../units.ts";
import type { SnapshotView, StateInstaller } from "./state-store.ts";

const draftName = "draft.part";
const incomingName = "incoming.part";

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

/** Two hexadecimal numbers, the first of fixed width: names sort as their indices do. A term above 2^32 has more digits. */
export function snapshotName(index: Index, term: Term): string {
  return `snap-${index.toString(16).padStart(14, "0")}-${term.toString(16).padStart(8, "0")}.snap`;
}

/** Index and term in a snapshot's name, or null for another file. */
export function snapshotPlace(name: string): { readonly index: Index; readonly term: Term } | null {
  const match = /^snap-([0-9a-f]{14})-([0-9a-f]{8,14})\.snap$/.exec(name);
  if (match === null) return null;
  return { index: Number.parseInt(match[1]!, 16), term: Number.parseInt(match[2]!, 16) };
}

const unreadable = "if it stays so, and another voter can send what it held, move that file away";

type OnDiskError = (error: DiskError) => void;

/** What a whole file held; or what is wrong with it, and about where. */
type Loaded<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly offset: number; readonly reason: string };

/** How a snapshot is cut: into blocks of its bytes, into slices of a turn each, and between syncs, so that none has much to do. */
export type SnapshotFileLimits = LimitsOf<
  "snapshotBlockBytes" | "snapshotBlockItems" | "snapshotSliceBytes" | "snapshotSyncBytes"
>;

/** The snapshots of one directory. At most one is the latest; an older one stays open while somebody holds it. */
export class SnapshotStore {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #onDiskError: OnDiskError;
  readonly #trace: Trace;
  readonly #limits: SnapshotFileLimits;
  #latest: SnapshotFile | null = null;
  readonly #holders = new Map<SnapshotFile, number>();
  #closed = false;

  /** `onDiskError`: the disk failed, and the node ends; no completion comes after it. */
  constructor(disk: Disk, clock: Clock, onDiskError: OnDiskError, trace: Trace, limits: SnapshotFileLimits) {
    this.#disk = disk;
    this.#clock = clock;
    this.#onDiskError = onDiskError;
    this.#trace = trace;
    this.#limits = limits;
  }

  /** Keeps the snapshot's file open, also when a newer one takes its place, until `release`. */
  hold(snapshot: SnapshotFile): void {
    this.#holders.set(snapshot, (this.#holders.get(snapshot) ?? 0) + 1);
  }

  release(snapshot: SnapshotFile): void {
    const left = this.#holders.get(snapshot)! - 1;
    if (left > 0) {
      this.#holders.set(snapshot, left);
      return;
    }
    this.#holders.delete(snapshot);
    if (this.#latest !== snapshot) snapshot.file.close();
  }

  /** The newest durable snapshot. */
  get latest(): SnapshotFile | null {
    return this.#latest;
  }

  close(): void {
    this.#closed = true;
    this.#latest?.file.close();
  }

  /** Removes what a crash left half-done. `done` gets the names of the snapshots that are there, the newest first. */
  open(done: (names: readonly string[]) => void): void {
    this.#disk.list((error, names) => {
      if (error !== null) return this.#onDiskError(error);
      const places = names.flatMap((name) => {
        const place = snapshotPlace(name);
        return place === null ? [] : [{ name, ...place }];
      });
      const newestFirst = places.toSorted((a, b) => b.index - a.index || b.term - a.term).map(({ name }) => name);
      const drafts = names.filter((name) => name.endsWith(".part"));
      this.#removeAll(drafts, () => {
        // A process that died may have left a name that is not durable yet, and the log will rest on it.
        this.#disk.syncDirectory((failure) => (failure === null ? done(newestFirst) : this.#onDiskError(failure)));
      });
    });
  }

  /** Removes every snapshot: they are of storage that was replaced. */
  clear(done: () => void): void {
    this.#disk.list((error, names) => {
      if (error !== null) return this.#onDiskError(error);
      this.#removeAll(names, () => {
        this.#disk.syncDirectory((failure) => (failure === null ? done() : this.#onDiskError(failure)));
      });
    });
  }

  /**
   * Reads the file `name`, of a snapshot of `cluster`, into `into`. `done` gets its header, and then it is the latest; or
   * what is wrong with it, and then nothing of it is seen.
   */
  load(name: string, cluster: ClusterId, into: StateInstaller, done: (loaded: Loaded<SnapshotHeader>) => void): void {
    const [clock, onDiskError, sliceBytes] = [this.#clock, this.#onDiskError, this.#limits.snapshotSliceBytes];
    this.#disk.open(name, false, (error, file) => {
      if (error !== null || file === null) return this.#onDiskError(error ?? { code: "EIO", message: "no file" });
      new Loading({ file, clock, onDiskError }, cluster, into, sliceBytes).run((loaded) => {
        if (!loaded.ok) {
          file.close();
          into.abort();
          return done(loaded);
        }
        const { header, crc } = loaded.value;
        const { index, term } = header.place;
        if (this.#latest?.name === name) file.close();
        else this.#replaceLatest({ name, index, term, sizeBytes: file.sizeBytes, crc, file });
        done({ ok: true, value: header });
      });
    });
  }

  /** Removes snapshots that nobody needs, not waiting until that is durable. */
  remove(names: readonly string[], done: () => void): void {
    for (const name of names) this.#forget(name);
    this.#removeAll(names, done);
  }

  /** Gives a damaged snapshot a name that nobody reads, and says so, and `why`. `done` comes when that is durable. */
  setAside(name: string, why: string, done: () => void): void {
    this.#trace.note("warn", `the snapshot ${name} is damaged, and set aside: ${why}`);
    this.#forget(name);
    this.#disk.rename(name, `damaged-${name}`, (error) => {
      if (error !== null) return this.#onDiskError(error);
      this.#disk.syncDirectory((failure) => (failure === null ? done() : this.#onDiskError(failure)));
    });
  }

  #forget(name: string): void {
    if (this.#latest?.name !== name) return;
    if (!this.#holders.has(this.#latest)) this.#latest.file.close();
    this.#latest = null;
  }

  /** Writes what `frozen` holds. `done` comes when the snapshot is durable and the latest. */
  write(header: SnapshotHeader, frozen: SnapshotView, done: (snapshot: SnapshotFile) => void): void {
    const [clock, onDiskError] = [this.#clock, this.#onDiskError];
    this.#create(draftName, (file) => {
      new Writing({ file, clock, onDiskError }, header, frozen, this.#limits).run((crc) => {
        const { index, term } = header.place;
        this.#adopt(
          draftName,
          { name: snapshotName(index, term), index, term, sizeBytes: file.sizeBytes, crc, file },
          done,
        );
      });
    });
  }

  /** A file for a snapshot that comes in pieces. One at a time: an earlier one is emptied. */
  createIncoming(done: (file: DiskFile) => void): void {
    this.#create(incomingName, done);
  }

  /** Makes the incoming file, whole and checked, durable under its name and the latest. */
  adoptIncoming(snapshot: Omit<SnapshotFile, "name">, done: (snapshot: SnapshotFile) => void): void {
    snapshot.file.sync((error) => {
      if (error !== null) return this.#onDiskError(error);
      this.#adopt(incomingName, { ...snapshot, name: snapshotName(snapshot.index, snapshot.term) }, done);
    });
  }

  #create(name: string, done: (file: DiskFile) => void): void {
    this.#disk.open(name, true, (error, file) => {
      if (error !== null || file === null) return this.#onDiskError(error ?? { code: "EIO", message: "no file" });
      file.truncate(0, (failure) => (failure === null ? done(file) : this.#onDiskError(failure)));
    });
  }

  #adopt(from: string, snapshot: SnapshotFile, done: (snapshot: SnapshotFile) => void): void {
    this.#disk.rename(from, snapshot.name, (error) => {
      if (error !== null) return this.#onDiskError(error);
      this.#disk.syncDirectory((failure) => {
        if (failure !== null) return this.#onDiskError(failure);
        if (this.#closed) return;
        const old = this.#latest;
        if (old !== null && old.index >= snapshot.index) {
          // A newer one has come meanwhile.
          this.#removeAll(old.name === snapshot.name ? [] : [snapshot.name], () => done(old));
          return;
        }
        this.#replaceLatest(snapshot);
        this.#removeAll(old === null ? [] : [old.name], () => done(snapshot));
      });
    });
  }

  #replaceLatest(snapshot: SnapshotFile): void {
    assert(this.#latest === null || this.#latest.index < snapshot.index, "snapshots go forward");
    if (this.#latest !== null && !this.#holders.has(this.#latest)) this.#latest.file.close();
    this.#latest = snapshot;
  }

  #removeAll(names: readonly string[], done: () => void): void {
    const [first, ...others] = names;
    if (first === undefined) return done();
    this.#disk.remove(first, (error) => (error === null ? this.#removeAll(others, done) : this.#onDiskError(error)));
  }
}

/** Calls `run` in a turn of its own. */
function nextTurn(clock: Clock, run: () => void): void {
  clock.timer(run).set(clock.now());
}

/** The file that is read or written, and what that needs of its store. */
type FileOnDisk = { readonly file: DiskFile; readonly clock: Clock; readonly onDiskError: OnDiskError };

/** One file being read, slice by slice. */
class Loading {
  readonly #file: DiskFile;
  readonly #cluster: ClusterId;
  readonly #clock: Clock;
  readonly #onDiskError: OnDiskError;
  readonly #into: StateInstaller;
  readonly #reader: SnapshotReader;
  readonly #sliceBytes: number;
  #header: SnapshotHeader | null = null;
  readonly #sessions: Parameters<StateInstaller["commit"]>[0][number][] = [];
  #rows: Parameters<StateInstaller["put"]>[0][number][] = [];
  #at = 0;
  #crc = 0;

  constructor({ file, clock, onDiskError }: FileOnDisk, cluster: ClusterId, into: StateInstaller, sliceBytes: number) {
    this.#file = file;
    this.#cluster = cluster;
    this.#clock = clock;
    this.#onDiskError = onDiskError;
    this.#into = into;
    this.#sliceBytes = sliceBytes;
    this.#reader = new SnapshotReader({
      header: (header) => (this.#header = header),
      sessions: (sessions) => this.#sessions.push(...sessions),
      rows: (rows) => this.#rows.push(...rows),
    });
  }

  run(done: (loaded: Loaded<{ readonly header: SnapshotHeader; readonly crc: number }>) => void): void {
    const length = Math.min(this.#sliceBytes, this.#file.sizeBytes - this.#at);
    this.#file.read(this.#at, length, (error, bytes) => {
      if (error !== null) return this.#onDiskError({ code: error.code, message: `${error.message}; ${unreadable}` });
      const taken = this.#take(bytes);
      if (!taken.ok) return done({ ...taken, offset: this.#at });
      this.#at += bytes.length;
      const rows = this.#rows;
      this.#rows = [];
      this.#into.put(rows, (failure) => {
        if (failure !== null) return this.#onDiskError(failure);
        if (this.#at < this.#file.sizeBytes) return nextTurn(this.#clock, () => this.run(done));
        this.#finish(done);
      });
    });
  }

  #take(bytes: Uint8Array): Checked {
    try {
      this.#crc = crc32(bytes, this.#crc);
      this.#reader.receive(bytes);
      const { cluster = this.#cluster } = this.#header ?? {};
      return cluster === this.#cluster ? passed : refused(`it is of cluster ${cluster}`);
    } catch (error) {
      if (error instanceof BadBytes) return refused(error.message);
      throw error;
    }
  }

  #finish(done: Parameters<Loading["run"]>[0]): void {
    const header = this.#header;
    if (!this.#reader.ended || header === null) return done({ ...refused("the file is cut off"), offset: this.#at });
    this.#into.commit(this.#sessions, header.place, (error) => {
      if (error !== null) return this.#onDiskError(error);
      done({ ok: true, value: { header, crc: this.#crc } });
    });
  }
}

/** One file being written, slice by slice. */
class Writing {
  readonly #file: DiskFile;
  readonly #clock: Clock;
  readonly #onDiskError: OnDiskError;
  readonly #frozen: SnapshotView;
  readonly #limits: SnapshotFileLimits;
  readonly #writer = new Writer();
  #sessionsWritten = 0;
  #rowsEnded = false;
  #at = 0;
  #syncedAt = 0;
  #crc = 0;

  constructor(
    { file, clock, onDiskError }: FileOnDisk,
    header: SnapshotHeader,
    frozen: SnapshotView,
    limits: SnapshotFileLimits,
  ) {
    this.#file = file;
    this.#clock = clock;
    this.#onDiskError = onDiskError;
    this.#frozen = frozen;
    this.#limits = limits;
    beginSnapshot(this.#writer, header);
  }

  /** `done` gets the CRC of the whole file, which is synced. */
  run(done: (crc: number) => void): void {
    this.#fill(() => {
      const bytes = this.#writer.bytes();
      this.#crc = crc32(bytes, this.#crc);
      const error = this.#file.write(this.#at, bytes);
      if (error !== null) return this.#onDiskError(error);
      this.#at += bytes.length;
      this.#writer.reset();
      if (!this.#rowsEnded && this.#at - this.#syncedAt < this.#limits.snapshotSyncBytes) {
        return nextTurn(this.#clock, () => this.run(done));
      }
      this.#syncedAt = this.#at;
      this.#file.sync((failure) => {
        if (failure !== null) return this.#onDiskError(failure);
        if (!this.#rowsEnded) return nextTurn(this.#clock, () => this.run(done));
        this.#frozen.release();
        done(this.#crc);
      });
    });
  }

  /** Encodes until there is a slice, or no more. */
  #fill(done: () => void): void {
    const { sessions } = this.#frozen;
    const { snapshotBlockItems: itemsAtOnce, snapshotBlockBytes, snapshotSliceBytes } = this.#limits;
    while (this.#sessionsWritten < sessions.length) {
      writeSessions(this.#writer, sessions.slice(this.#sessionsWritten, this.#sessionsWritten + itemsAtOnce));
      this.#sessionsWritten += itemsAtOnce;
      if (this.#writer.length >= snapshotSliceBytes) return done();
    }
    this.#frozen.rows(itemsAtOnce, (error, rows) => {
      if (error !== null) return this.#onDiskError(error);
      writeRows(this.#writer, rows, snapshotBlockBytes);
      if (rows.length < itemsAtOnce) {
        endSnapshot(this.#writer);
        this.#rowsEnded = true;
        return done();
      }
      if (this.#writer.length >= snapshotSliceBytes) return done();
      this.#fill(done);
    });
  }
}
