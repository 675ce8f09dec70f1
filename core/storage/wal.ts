/**
 * The write-ahead log: raft's entries and hard state, durable in the order they were given.
 *
 * One sync runs at a time; everything written meanwhile shares the next one (group commit). A segment that is full is
 * synced to its last byte before the next one exists, so a hole between segments cannot be. How far the log reaches is
 * told outside of it (ExtentKeeper) whenever a segment is begun or let go, so that a file that is gone is missed; and at a
 * stop in good order, so that every byte that is gone is. The first error of the disk ends the WAL: nothing is retried,
 * `onDiskError` is called once, and no completion comes after it.
 */
import { assert } from "../assert.ts";
import { Writer } from "../bytes.ts";
import type { Clock, Disk, DiskError, DiskFile, Timer } from "../ports.ts";
import type { CompactionPoint } from "../protocol/configuration.ts";
import type { HardState } from "../protocol/entry.ts";
import type { Index, Micros, StoreId } from "../units.ts";
import type { LogExtent } from "./identity.ts";
import { type BatchContent, emptyBatch, encodeBatch, segmentName } from "./wal-record.ts";

/** A segment may exceed its size by one batch. An idle log gets a watermark above its last batch after `idleWatermarkMicros`. */
export type WalOptions = { readonly segmentBytesMax: number; readonly idleWatermarkMicros: Micros };

/** Where a recovered or new log ends, and what a new segment must repeat. */
export type WalTail = {
  readonly file: DiskFile;
  readonly segment: number;
  readonly segmentPosition: number;
  readonly offset: number;
  readonly hardState: HardState;
  /** Null: the log begins at its first entry. */
  readonly base: CompactionPoint | null;
  /** Every segment there is, this one last, with the highest index of an entry in it. */
  readonly segments: readonly SegmentReach[];
};

/** What is to be told outside of a log that has just been recovered. */
export function extentOf({ segments, segment, segmentPosition, offset }: WalTail): LogExtent {
  const firstSegment = segments[0]?.segment ?? segment;
  return { firstSegment, lastSegment: segment, durableThrough: segmentPosition + offset };
}

/** Where the extent of the log is kept. */
export interface ExtentKeeper {
  /** Completes when `extent` is durable in place of the one before; calls take effect in their order. */
  saveExtent(extent: LogExtent, done: (error: DiskError | null) => void): void;
}

/** `lastIndex`: the highest index of an entry or base in that segment; 0 where it holds none. */
export type SegmentReach = { readonly segment: number; readonly lastIndex: Index };
type Batch = { readonly content: BatchContent; readonly done: () => void };

type WalPorts = { readonly disk: Disk; readonly clock: Clock; readonly onDiskError: (error: DiskError) => void };

/** What a log goes on with: whose it is, where its extent is kept, and where recovery has found its end. */
type RecoveredWal = { readonly storeId: StoreId; readonly extents: ExtentKeeper; readonly tail: WalTail };

/** The open log of one directory. One Wal at a time writes there; `recoverWal` gives what it starts from. */
export class Wal {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #storeId: StoreId;
  readonly #extents: ExtentKeeper;
  readonly #options: WalOptions;
  readonly #onDiskError: (error: DiskError) => void;
  readonly #writer = new Writer();
  readonly #watermarkTimer: Timer;

  #file: DiskFile;
  #segment: number;
  #segmentPosition: number;
  #offset: number;
  /** Of this segment, written at its opening: however long, it is followed by something new. */
  #headBytes = 0;
  #hardState: HardState;
  #base: CompactionPoint | null;
  /** Index of the newest base that survives a power cut. */
  #durableBase: Index;
  /** The full segments, oldest first, and how far the current one reaches. */
  #full: SegmentReach[];
  #lastIndex: Index;
  #purging = false;
  /** As it was last given to the keeper. */
  #extent: LogExtent;
  /** Positions, in bytes over all segments. Invariant: marked <= synced <= written. */
  #syncedThrough: number;
  #markedThrough: number;
  /** Where the last idle mark ends. */
  #markPosition = 0;
  #syncing = false;
  #rotating = false;
  #dead = false;
  readonly #waiting: { readonly position: number; readonly done: () => void }[] = [];
  readonly #backlog: Batch[] = [];
  /** Since `seal`: nothing more is given. */
  #onSealed: (() => void) | null = null;

  constructor({ disk, clock, onDiskError }: WalPorts, { storeId, extents, tail }: RecoveredWal, options: WalOptions) {
    this.#disk = disk;
    this.#clock = clock;
    this.#storeId = storeId;
    this.#extents = extents;
    this.#options = options;
    this.#onDiskError = onDiskError;
    this.#file = tail.file;
    this.#segment = tail.segment;
    this.#segmentPosition = tail.segmentPosition;
    this.#offset = tail.offset;
    this.#hardState = tail.hardState;
    this.#base = tail.base;
    this.#durableBase = tail.base?.place.index ?? 0;
    this.#full = tail.segments.slice(0, -1);
    this.#lastIndex = tail.segments.at(-1)?.lastIndex ?? 0;
    // Recovery has synced all that it found.
    this.#syncedThrough = this.#written;
    this.#extent = extentOf(tail);
    this.#markedThrough = 0;
    this.#watermarkTimer = clock.timer(() => this.#writeWatermark());
  }

  get #written(): number {
    return this.#segmentPosition + this.#offset;
  }

  get syncedThrough(): number {
    return this.#syncedThrough;
  }

  /** `done` comes when the batch, and all given before it, survive a power cut. */
  append(content: BatchContent, done: () => void): void {
    if (this.#dead) return;
    assert(this.#onSealed === null, "nothing is given to a log that is sealed");
    this.#take({ content, done });
  }

  #take({ content, done }: Batch): void {
    if (this.#dead) return;
    if (this.#rotating || this.#offset - this.#headBytes >= this.#options.segmentBytesMax) {
      this.#rotating = true;
      this.#backlog.push({ content, done });
    } else {
      this.#write(content);
      const base = content.base?.place.index ?? 0;
      const finish = (): void => {
        this.#durableBase = Math.max(this.#durableBase, base);
        done();
      };
      assert(
        this.#written >= (this.#waiting.at(-1)?.position ?? 0),
        "batches become durable in the order they were given",
      );
      this.#waiting.push({ position: this.#written, done: finish });
    }
    this.#work();
  }

  /** The log begins after `base`, where it held another entry: before any new one, this must be told. */
  replaceBy(base: CompactionPoint): void {
    assert(base.place.index >= this.#durableBase, "the log's base never falls");
    this.append({ ...emptyBatch, base, replaces: true }, () => undefined);
  }

  /** Everything up to here is told to be elsewhere, durably. */
  get durableBase(): Index {
    return this.#durableBase;
  }

  /**
   * Removes the segments that hold nothing after the durable base, oldest first. Stops where one still is needed, so that
   * what is left is one run. Removing is not waited for.
   */
  purge(): void {
    const oldest = this.#full[0];
    if (this.#dead || this.#onSealed !== null || this.#purging) return;
    if (oldest === undefined || oldest.lastIndex > this.#durableBase) return;
    // The hard state and base that open the next segment must be durable first: the oldest may hold the only copy.
    const isNextDurable = this.#full.length > 1 || this.#syncedThrough > this.#segmentPosition;
    if (!isNextDurable) return;
    assert(oldest.segment === this.#extent.firstSegment, "the segments that are left are one run");
    this.#purging = true;
    this.#full.shift();
    this.#tellExtent({ ...this.#extent, firstSegment: oldest.segment + 1 }, () => this.#remove(oldest));
  }

  #remove({ segment }: SegmentReach): void {
    assert(segment < this.#extent.firstSegment, "no segment is removed that is still told to be there");
    this.#disk.remove(segmentName(segment), (error) => {
      if (this.#dead) return;
      if (error !== null) return this.#fail(error);
      // In order, also after a power cut: a later segment is not removed before an earlier one surely is.
      this.#disk.syncDirectory((failure) => {
        if (this.#dead) return;
        if (failure !== null) return this.#fail(failure);
        this.#purging = false;
        this.purge();
      });
    });
  }

  #tellExtent(extent: LogExtent, done: () => void): void {
    assert(extent.firstSegment >= this.#extent.firstSegment, "segments go oldest first");
    assert(extent.durableThrough >= this.#extent.durableThrough, "what is told to be durable never falls");
    this.#extent = extent;
    this.#extents.saveExtent(extent, (error) => {
      if (this.#dead) return;
      if (error !== null) return this.#fail(error);
      done();
    });
  }

  get segmentCount(): number {
    return this.#full.length + 1;
  }

  /**
   * The last of a stop in good order. `done` comes when all that was given is durable, and that is told outside of the log:
   * from then on a recovery misses whatever is gone of it, and no tail of it passes for torn. Give nothing after the call.
   * What is told stays true: a recovery never cuts below it, and every later one is higher.
   */
  seal(done: () => void): void {
    assert(this.#onSealed === null, "a log is sealed once");
    if (this.#dead) return;
    this.#onSealed = done;
    this.#work();
  }

  #tellSealed(done: () => void): void {
    assert(this.#syncedThrough === this.#written, "a sealed log is durable to its end");
    // Nothing else begins: no mark and no segment.
    this.#syncing = true;
    this.#watermarkTimer.clear();
    this.#tellExtent({ ...this.#extent, durableThrough: this.#written }, done);
  }

  close(): void {
    assert(this.#syncedThrough <= this.#written, "no more is synced than was written");
    this.#dead = true;
    this.#watermarkTimer.clear();
    this.#file.close();
  }

  #write(content: BatchContent): void {
    assert(this.#markedThrough <= this.#syncedThrough, "no watermark exceeds what was synced");
    assert(this.#syncedThrough <= this.#written, "no more is synced than was written");
    assert((content.hardState ?? this.#hardState).term >= this.#hardState.term, "terms rise along the log");
    // Here and not when it is given: what opens the next segment must not be newer than what waits behind it.
    if (content.hardState !== null) this.#hardState = content.hardState;
    for (const { index } of content.entries) this.#lastIndex = Math.max(this.#lastIndex, index);
    if (content.base !== null) {
      this.#base = content.base;
      this.#lastIndex = Math.max(this.#lastIndex, content.base.place.index);
    }
    const place = {
      storeId: this.#storeId,
      segment: this.#segment,
      offset: this.#offset,
      segmentPosition: this.#segmentPosition,
      syncedThrough: this.#syncedThrough,
    };
    encodeBatch(this.#writer, place, content);
    const bytes = this.#writer.bytes();
    const error = this.#file.write(this.#offset, bytes);
    if (error !== null) return this.#fail(error);
    this.#offset += bytes.length;
    this.#markedThrough = this.#syncedThrough;
  }

  /** Starts whatever is next: a sync, a new segment, or the wait for the idle mark. */
  #work(): void {
    if (this.#dead || this.#syncing) return;
    assert(this.#syncedThrough <= this.#written, "no more is synced than was written");
    if (this.#syncedThrough < this.#written) return this.#sync();
    if (this.#rotating) return this.#rotate();
    if (this.#onSealed !== null) return this.#tellSealed(this.#onSealed);
    // The next batch holds a watermark above the records just synced, or a watermark record does if none comes.
    if (this.#markedThrough < this.#syncedThrough)
      this.#watermarkTimer.set(this.#clock.now() + this.#options.idleWatermarkMicros);
  }

  #sync(): void {
    this.#syncing = true;
    this.#watermarkTimer.clear();
    const through = this.#written;
    this.#file.sync((error) => {
      if (this.#dead) return;
      if (error !== null) return this.#fail(error);
      assert(through <= this.#written, "what was synced had been written");
      this.#syncing = false;
      this.#syncedThrough = through;
      // A mark that is the last word needs no mark itself: losing it loses nothing that was promised.
      if (through === this.#markPosition) this.#markedThrough = through;
      while (this.#waiting[0] !== undefined && this.#waiting[0].position <= through) this.#waiting.shift()!.done();
      this.#work();
    });
  }

  /** An empty batch that says how far the log is durable; without it, an idle log's last batch would pass for a torn tail. */
  #writeWatermark(): void {
    if (this.#dead || this.#syncing || this.#rotating || this.#markedThrough >= this.#syncedThrough) return;
    assert(this.#syncedThrough === this.#written, "an idle log is durable to its end");
    this.#write(emptyBatch);
    this.#markPosition = this.#written;
    this.#work();
  }

  #rotate(): void {
    this.#syncing = true;
    const full = this.#file;
    this.#disk.open(segmentName(this.#segment + 1), true, (error, file) => {
      if (this.#dead) return;
      if (error !== null || file === null) return this.#fail(error ?? { code: "EIO", message: "no file" });
      this.#disk.syncDirectory((failure) => {
        if (this.#dead) return;
        if (failure !== null) return this.#fail(failure);
        full.close();
        assert(this.#syncedThrough === this.#written, "a full segment is durable before another one follows it");
        this.#segmentPosition = this.#written;
        this.#segment += 1;
        this.#offset = 0;
        this.#file = file;
        // Each segment opens with hard state and base, so that older segments can go.
        this.#full.push({ segment: this.#segment - 1, lastIndex: this.#lastIndex });
        this.#lastIndex = 0;
        this.#write({ ...emptyBatch, hardState: this.#hardState, base: this.#base });
        this.#headBytes = this.#offset;
        if (!this.#dead) this.#finishRotation(file);
      });
    });
  }

  /** Nothing follows the head of a segment before that head, and where to look for it, are durable. */
  #finishRotation(file: DiskFile): void {
    const durableThrough = this.#written;
    file.sync((error) => {
      if (this.#dead) return;
      if (error !== null) return this.#fail(error);
      assert(durableThrough === this.#written, "nothing follows a segment's head before that is durable");
      this.#syncedThrough = durableThrough;
      this.#markedThrough = durableThrough;
      this.#tellExtent({ ...this.#extent, lastSegment: this.#segment, durableThrough }, () => {
        this.#syncing = false;
        this.#rotating = false;
        for (const batch of this.#backlog.splice(0)) this.#take(batch);
        this.#work();
      });
    });
  }

  #fail(error: DiskError): void {
    assert(!this.#dead, "the first error of the disk is the last that is told");
    this.#dead = true;
    this.#watermarkTimer.clear();
    this.#onDiskError(error);
  }
}
