/**
 * Reads the WAL back after any crash.
 *
 * The log is good up to the first byte that is no genuine batch. D is the largest "synced through" of any genuine
 * batch, before or after that byte. Damage below D destroyed what had been promised: it is corruption, reported with
 * file and offset, and never shortened away. Damage at or above D is a torn tail: it is cut, even if genuine batches
 * follow it, because un-synced writes survive a crash in any subset.
 *
 * Segments that are gone take their own marks with them. What is told outside of the log (LogExtent) counts too: the
 * segments that it names must be there, and D is at least its position.
 */
import { assert } from "../assert.ts";
import { BadBytes, Writer } from "../bytes.ts";
import type { Disk, DiskError, DiskFile } from "../ports.ts";
import type { CompactionPoint } from "../protocol/configuration.ts";
import type { Entry, HardState, LogPosition } from "../protocol/entry.ts";
import { type Checked, passed, refused } from "../result.ts";
import type { Index, StoreId } from "../units.ts";
import type { LogExtent } from "./identity.ts";
import type { SegmentReach, WalTail } from "./wal.ts";
import {
  checkBatch,
  emptyBatch,
  encodeBatch,
  readRecords,
  type RecordTaker,
  segmentName,
  segmentNumber,
} from "./wal-record.ts";

/** A log that is whole and durable, with its last segment open to be written on. */
export type Recovered = {
  readonly ok: true;
  readonly hardState: HardState;
  readonly log: WalLog;
  readonly tail: WalTail;
  /** Bytes cut off a torn tail; 0 after a clean stop. */
  readonly cutBytes: number;
};
/** What must be there: "some": a program that told no extent has begun a log; null: there may be none yet. */
export type ExpectedLog = LogExtent | "some" | null;
/**
 * `corrupt`: what had been synced is damaged, at `offset` of `file`, or that file `isMissing`. `disk`: the disk failed while
 * reading.
 */
export type RecoveryFailure = Corruption | { readonly ok: false; readonly kind: "disk"; readonly error: DiskError };
type Corruption = {
  readonly ok: false;
  readonly kind: "corrupt";
  readonly file: string;
  readonly offset: number;
  readonly isMissing: boolean;
  readonly reason: string;
};

/** A segment's file as it was read: `bytes` may be torn or damaged. */
export type Segment = { readonly number: number; readonly bytes: Uint8Array };
/** The entries that the segments hold, and where they begin as the newest base record says; null: with entry 1. */
export type WalLog = { readonly base: CompactionPoint | null; readonly entries: readonly Entry[] };

/** What the segments mean, before anything is cut. Sizes and positions are in bytes. */
export type Scan = WalLog & {
  readonly hardState: HardState;
  readonly segments: readonly SegmentReach[];
  /** The last segment that holds a good batch (or the first segment), how many of its bytes are good, its position. */
  readonly segment: number;
  readonly goodBytes: number;
  readonly segmentPosition: number;
  readonly cutBytes: number;
};

/** What the segments mean, or why they are no log. */
type ScanResult = { readonly ok: true; readonly value: Scan } | Corruption;

/** The judgement, pure: what the segments' bytes mean. `segments` are in order of their numbers. */
export function scanSegments(segments: readonly Segment[], storeId: StoreId, expected: ExpectedLog = null): ScanResult {
  const absent = missingSegment(segments, expected);
  if (absent !== null) return missing(absent);
  const state = new Replay(segments[0]?.number ?? 0);
  const reaches: SegmentReach[] = [];
  let at = { segment: segments[0]?.number ?? 0, goodBytes: 0, segmentPosition: startPosition(segments[0], storeId) };
  let syncedThrough = expected === null || expected === "some" ? 0 : expected.durableThrough;
  for (const [k, { number, bytes }] of segments.entries()) {
    const segmentPosition = at.segmentPosition + at.goodBytes;
    let offset = 0;
    let reason = "";
    while (offset < bytes.length) {
      const checked = checkBatch(bytes, number, offset, storeId);
      if (!checked.ok) {
        reason = checked.reason;
        break;
      }
      const header = checked.value;
      if (header.segmentPosition !== segmentPosition) return corrupt(number, offset, "an earlier segment is too short");
      syncedThrough = Math.max(syncedThrough, header.syncedThrough);
      const taken = state.take(bytes, header);
      if (!taken.ok) return corrupt(number, offset, taken.reason);
      offset += header.bytes;
    }
    if (offset > 0 || k === 0) {
      at = { segment: number, goodBytes: offset, segmentPosition };
      reaches.push({ segment: number, lastIndex: state.takeReach() });
    }
    const isLast = k === segments.length - 1;
    if (reason === "" && (offset > 0 || isLast)) continue;
    const later = lastSyncedThrough(segments.slice(k), offset, storeId);
    if (segmentPosition + offset < Math.max(syncedThrough, later)) {
      return corrupt(number, offset, reason === "" ? "the segment is empty" : reason);
    }
    const cut = segments.slice(k).reduce((sum, segment) => sum + segment.bytes.length, 0) - offset;
    return judged(state, { ...at, segments: reaches, cutBytes: cut });
  }
  if (at.segmentPosition + at.goodBytes < syncedThrough)
    return corrupt(at.segment, at.goodBytes, "the file is too short");
  return judged(state, { ...at, segments: reaches, cutBytes: 0 });
}

/** The number of a segment that should be there and is not, or null. */
function missingSegment(segments: readonly Segment[], expected: ExpectedLog): number | null {
  const numbers = segments.map(({ number }) => number);
  if (expected === "some" && numbers.length === 0) return 0;
  const isTold = expected !== null && expected !== "some";
  const first = isTold ? expected.firstSegment : (numbers[0] ?? 0);
  const last = Math.max(isTold ? expected.lastSegment : -1, numbers.at(-1) ?? -1);
  for (let number = first; number <= last; number++) if (numbers[number - first] !== number) return number;
  return null;
}

function missing(segment: number): Corruption {
  return { ...corrupt(segment, 0, "what had been synced is missing"), isMissing: true };
}

function judged(state: Replay, end: Omit<Scan, "base" | "entries" | "hardState">): ScanResult {
  const isHeadless = end.segment > 0 && end.segments.length === 1 && end.goodBytes === 0;
  if (!state.isAnchored || isHeadless)
    return corrupt(end.segments[0]!.segment, 0, "what came before is gone, and no base is told");
  return { ok: true, value: { ...state.result, ...end } };
}

function corrupt(segment: number, offset: number, reason: string): Corruption {
  return { ok: false, kind: "corrupt", file: segmentName(segment), offset, isMissing: false, reason };
}

/** Where the first segment begins in the whole log: 0, or what its first batch says where older ones are gone. */
function startPosition(first: Segment | undefined, storeId: StoreId): number {
  if (first === undefined) return 0;
  const checked = checkBatch(first.bytes, first.number, 0, storeId);
  return checked.ok ? checked.value.segmentPosition : 0;
}

/** The records so far, folded. */
class Replay implements RecordTaker {
  /** Older segments are gone: the first entry may have any index. */
  readonly #isCutOff: boolean;
  #hardState: HardState = { term: 0, vote: 0 };
  /** Its term is -1 where older segments are gone and no base was told since. */
  #base: LogPosition = { index: 0, term: 0, clusterMicros: 0 };
  #told: CompactionPoint | null = null;
  #entries: Entry[] = [];
  #reach: Index = 0;

  constructor(firstSegment: number) {
    this.#isCutOff = firstSegment > 0;
  }

  get result(): WalLog & { readonly hardState: HardState } {
    return { hardState: this.#hardState, base: this.#told, entries: this.#entries };
  }

  /** It is known where the entries begin. */
  get isAnchored(): boolean {
    return this.#base.term !== -1;
  }

  /** The highest index since the last call. */
  takeReach(): Index {
    const reach = this.#reach;
    this.#reach = 0;
    return reach;
  }

  /** Folds a genuine batch in, unless no writer can have written it there. */
  take(bytes: Uint8Array, header: Parameters<typeof readRecords>[1]): Checked {
    try {
      readRecords(bytes, header, this);
      return passed;
    } catch (error) {
      if (error instanceof BadBytes) return refused(error.message);
      throw error;
    }
  }

  hardState(hardState: HardState): void {
    if (hardState.term < this.#hardState.term) throw new BadBytes("the term falls");
    this.#hardState = hardState;
  }

  /** As RaftLog.restore did in memory: what follows that very entry stays, else everything goes. */
  base(base: CompactionPoint, replaces: boolean): void {
    const { place } = base;
    this.#told = base;
    this.#reach = Math.max(this.#reach, place.index);
    const after = place.index - this.#base.index;
    // A segment opens with the base of its time: a newer one must follow where entries between are gone.
    if (after < 0 && !this.isAnchored && !replaces) return;
    // All that is left of what stood before may lie behind a base that has replaced it.
    if (after < 0 && this.isAnchored) throw new BadBytes(`the base falls to ${place.index}`);
    const keeps = !replaces && (after === 0 || this.#entries[after - 1]?.term === place.term);
    this.#entries = keeps ? this.#entries.slice(after) : [];
    this.#base = place;
    assert((this.#entries[0]?.index ?? place.index + 1) === place.index + 1, "the entries begin right after the base");
  }

  entry(entry: Entry): void {
    // Where older segments are gone, the log begins with what is left; a rewrite may reach further back than that.
    const leavesGap = this.#entries.length === 0 && entry.index > this.#base.index + 1;
    if (this.#isCutOff && (leavesGap || (!this.isAnchored && entry.index <= this.#base.index))) {
      this.#entries = [];
      this.#base = { index: entry.index - 1, term: -1, clusterMicros: 0 };
    }
    const at = entry.index - this.#base.index - 1;
    if (at < 0) throw new BadBytes(`entry ${entry.index} lies before the log's base ${this.#base.index}`);
    if (at > this.#entries.length) throw new BadBytes(`entry ${entry.index} leaves a gap`);
    // A rewrite cuts everything from its index on, as it did in memory.
    this.#entries.length = at;
    this.#entries.push(entry);
    this.#reach = Math.max(this.#reach, entry.index);
    assert(entry.index === this.#base.index + this.#entries.length, "entries are contiguous from the base on");
  }
}

/** The largest mark of any genuine batch after the damage: batches start at multiples of 8 and name their own place. */
function lastSyncedThrough(segments: readonly Segment[], from: number, storeId: StoreId): number {
  let syncedThrough = 0;
  for (const [k, { number, bytes }] of segments.entries()) {
    for (let offset = k === 0 ? from - (from % 8) : 0; offset < bytes.length; offset += 8) {
      const checked = checkBatch(bytes, number, offset, storeId);
      if (checked.ok) syncedThrough = Math.max(syncedThrough, checked.value.syncedThrough);
    }
  }
  return syncedThrough;
}

/**
 * Recovers the log of `disk`, or starts one where none is expected. When it completes with `ok`, everything it returns
 * is durable, nothing of a cut tail can come back, and the log holds at least one batch.
 */
export function recoverWal(
  disk: Disk,
  storeId: StoreId,
  expected: ExpectedLog,
  done: (result: Recovered | RecoveryFailure) => void,
): void {
  const onDiskError = (error: DiskError): void => done({ ok: false, kind: "disk", error });
  disk.list((error, names) => {
    if (error !== null) return onDiskError(error);
    const numbers = names.map(segmentNumber).filter((number) => number !== null);
    numbers.sort((a, b) => a - b);
    // A crash may have brought back segments that were let go, in any subset.
    const first = expected === null || expected === "some" ? 0 : expected.firstSegment;
    const needed = numbers.filter((number) => number >= first);
    readSegments(disk, needed, [], onDiskError, (segments) => {
      const scanned = scanSegments(segments, storeId, expected);
      if (!scanned.ok) return done(scanned);
      const scan = scanned.value;
      assert(scan.segment >= first, "what is let go lies before the log's end");
      const surplus = numbers.filter((number) => number < first || number > scan.segment);
      removeAll(disk, surplus, onDiskError, () => settleTail(disk, storeId, scan, onDiskError, done));
    });
  });
}

function readSegments(
  disk: Disk,
  numbers: readonly number[],
  segments: Segment[],
  onDiskError: (error: DiskError) => void,
  done: (segments: readonly Segment[]) => void,
): void {
  const number = numbers[segments.length];
  if (number === undefined) return done(segments);
  assert(number > (segments.at(-1)?.number ?? -1), "segments are read in the order of their numbers");
  disk.open(segmentName(number), false, (error, file) => {
    if (error !== null || file === null) return onDiskError(error ?? { code: "EIO", message: "no file" });
    file.read(0, file.sizeBytes, (failure, bytes) => {
      file.close();
      if (failure !== null) return onDiskError(failure);
      segments.push({ number, bytes });
      readSegments(disk, numbers, segments, onDiskError, done);
    });
  });
}

function removeAll(
  disk: Disk,
  numbers: readonly number[],
  onDiskError: (error: DiskError) => void,
  done: () => void,
): void {
  const last = numbers.at(-1);
  if (last === undefined) return done();
  disk.remove(segmentName(last), (error) => {
    if (error !== null) return onDiskError(error);
    removeAll(disk, numbers.slice(0, -1), onDiskError, done);
  });
}

/** Syncs directory and file, cut: a process that died may have left un-synced bytes that we just read as good. */
function settleTail(
  disk: Disk,
  storeId: StoreId,
  scan: Scan,
  onDiskError: (error: DiskError) => void,
  done: (result: Recovered) => void,
): void {
  assert(scan.goodBytes % 8 === 0, "a log is cut between two batches");
  disk.open(segmentName(scan.segment), true, (error, opened) => {
    if (error !== null || opened === null) return onDiskError(error ?? { code: "EIO", message: "no file" });
    const file: DiskFile = opened;
    const finish = (offset: number): void => {
      file.sync((syncError) => {
        if (syncError !== null) return onDiskError(syncError);
        const { hardState, base, entries, segment, segments, segmentPosition, cutBytes } = scan;
        const tail = { file, segment, segments, segmentPosition, offset, hardState, base };
        done({ ok: true, hardState, log: { base, entries }, cutBytes, tail });
      });
    };
    // A segment is never empty, so that an emptied segment is not taken for a new one.
    const begin = (): void => {
      if (scan.goodBytes > 0) return finish(scan.goodBytes);
      const writer = new Writer();
      const { segment, segmentPosition } = scan;
      const place = { storeId, segment, offset: 0, segmentPosition, syncedThrough: segmentPosition };
      encodeBatch(writer, place, emptyBatch);
      const writeError = file.write(0, writer.bytes());
      if (writeError === null) finish(writer.length);
      else onDiskError(writeError);
    };
    // The name first: what is synced in a file that a power cut takes away is not durable.
    disk.syncDirectory((directoryError) => {
      if (directoryError !== null) return onDiskError(directoryError);
      if (file.sizeBytes === scan.goodBytes) return begin();
      file.truncate(scan.goodBytes, (cutError) => (cutError === null ? begin() : onDiskError(cutError)));
    });
  });
}

/** The failure in one clause, for the operator. */
export function describeDamage({ file, offset, isMissing, reason }: RecoveryFailure & { kind: "corrupt" }): string {
  if (isMissing) return `${file} is missing, though the log had been begun and synced`;
  return `${file} is damaged at byte ${offset}, below what had been synced: ${reason}`;
}
