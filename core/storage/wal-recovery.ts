/**
 * Reads the WAL back after any crash.
 *
 * The log is good up to the first byte that is no genuine batch. D is the largest "synced through" of any genuine
 * batch, before or after that byte. Damage below D destroyed what had been promised: it is corruption, reported with
 * file and offset, and never shortened away. Damage at or above D is a torn tail: it is cut, even if genuine batches
 * follow it, because un-synced writes survive a crash in any subset.
 */
import { BadBytes } from "../bytes.ts";
import type { Disk, DiskError, DiskFile } from "../ports.ts";
import type { LogBase } from "../raft/configurations.ts";
import type { Entry, HardState, LogPlace } from "../raft/messages.ts";
import type { Index, StoreId } from "../units.ts";
import type { SegmentReach, WalTail } from "./wal.ts";
import { checkBatch, readRecords, type RecordTaker, segmentName, segmentNumber } from "./wal-record.ts";

export type Recovered = {
  readonly ok: true;
  readonly hardState: HardState;
  readonly log: WalLog;
  readonly tail: WalTail;
  /** Bytes cut off a torn tail; 0 after a clean stop. */
  readonly cutBytes: number;
};
/** `corrupt`: what had been synced is damaged, at `offset` of `file`. `disk`: the disk failed while reading. */
export type RecoveryFailure =
  | {
      readonly ok: false;
      readonly kind: "corrupt";
      readonly file: string;
      readonly offset: number;
      readonly reason: string;
    }
  | { readonly ok: false; readonly kind: "disk"; readonly error: DiskError };

export type Segment = { readonly number: number; readonly bytes: Uint8Array };
/** The entries that the segments hold, and where they begin as the newest base record says; null: with entry 1. */
export type WalLog = { readonly base: LogBase | null; readonly entries: readonly Entry[] };

export type Scan = WalLog & {
  readonly hardState: HardState;
  readonly segments: readonly SegmentReach[];
  /** The last segment that holds a good batch (or the first segment), how many of its bytes are good, its position. */
  readonly segment: number;
  readonly goodBytes: number;
  readonly segmentPosition: number;
  readonly cutBytes: number;
};

/** The judgement, pure: what the segments' bytes mean. `segments` are in order of their numbers. */
export function scanSegments(
  segments: readonly Segment[],
  storeId: StoreId,
): Scan | (RecoveryFailure & { kind: "corrupt" }) {
  const state = new Replay(segments[0]?.number ?? 0);
  const reaches: SegmentReach[] = [];
  let at = { segment: segments[0]?.number ?? 0, goodBytes: 0, segmentPosition: startPosition(segments[0], storeId) };
  let syncedThrough = 0;
  for (const [k, { number, bytes }] of segments.entries()) {
    const segmentPosition = at.segmentPosition + at.goodBytes;
    if (number !== segments[0]!.number + k) return corrupt(number - 1, 0, "the segment is missing");
    let offset = 0;
    let reason = "";
    while (offset < bytes.length && reason === "") {
      const header = checkBatch(bytes, number, offset, storeId);
      if (typeof header === "string") reason = header;
      else if (header.segmentPosition !== segmentPosition)
        return corrupt(number, offset, "an earlier segment is too short");
      else {
        syncedThrough = Math.max(syncedThrough, header.syncedThrough);
        const wrong = state.take(bytes, header);
        if (wrong !== null) return corrupt(number, offset, wrong);
        offset += header.bytes;
      }
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

function judged(
  state: Replay,
  end: Omit<Scan, "base" | "entries" | "hardState">,
): Scan | (RecoveryFailure & { kind: "corrupt" }) {
  if (!state.isAnchored) return corrupt(end.segments[0]!.segment, 0, "what came before is gone, and no base is told");
  return { ...state.result, ...end };
}

function corrupt(segment: number, offset: number, reason: string): RecoveryFailure & { kind: "corrupt" } {
  return { ok: false, kind: "corrupt", file: segmentName(segment), offset, reason };
}

/** Where the first segment begins in the whole log: 0, or what its first batch says where older ones are gone. */
function startPosition(first: Segment | undefined, storeId: StoreId): number {
  if (first === undefined) return 0;
  const header = checkBatch(first.bytes, first.number, 0, storeId);
  return typeof header === "string" ? 0 : header.segmentPosition;
}

/** The records so far, folded. */
class Replay implements RecordTaker {
  /** Older segments are gone: the first entry may have any index. */
  readonly #isCutOff: boolean;
  #hardState: HardState = { term: 0, vote: 0 };
  /** Its term is -1 where older segments are gone and no base was told since. */
  #base: LogPlace = { index: 0, term: 0, clusterMicros: 0 };
  #told: LogBase | null = null;
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

  /** Folds a genuine batch in; returns what is wrong with it, or null. */
  take(bytes: Uint8Array, header: Parameters<typeof readRecords>[1]): string | null {
    try {
      readRecords(bytes, header, this);
      return null;
    } catch (error) {
      if (error instanceof BadBytes) return error.message;
      throw error;
    }
  }

  hardState(hardState: HardState): void {
    if (hardState.term < this.#hardState.term) throw new BadBytes("the term falls");
    this.#hardState = hardState;
  }

  /** As RaftLog.restore did in memory: what follows that very entry stays, else everything goes. */
  base(base: LogBase, replaces: boolean): void {
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
  }
}

/** The largest mark of any genuine batch after the damage: batches start at multiples of 8 and name their own place. */
function lastSyncedThrough(segments: readonly Segment[], from: number, storeId: StoreId): number {
  let syncedThrough = 0;
  for (const [k, { number, bytes }] of segments.entries()) {
    for (let offset = k === 0 ? from - (from % 8) : 0; offset < bytes.length; offset += 8) {
      const header = checkBatch(bytes, number, offset, storeId);
      if (typeof header !== "string") syncedThrough = Math.max(syncedThrough, header.syncedThrough);
    }
  }
  return syncedThrough;
}

/**
 * Recovers the log of `disk`, or starts one in an empty directory. When it completes with `ok`, everything it returns
 * is durable and nothing of a cut tail can come back.
 */
export function recoverWal(disk: Disk, storeId: StoreId, done: (result: Recovered | RecoveryFailure) => void): void {
  const broken = (error: DiskError): void => done({ ok: false, kind: "disk", error });
  disk.list((error, names) => {
    if (error !== null) return broken(error);
    const numbers = names.map(segmentNumber).filter((number) => number !== null);
    numbers.sort((a, b) => a - b);
    readSegments(disk, numbers, [], broken, (segments) => {
      const scan = scanSegments(segments, storeId);
      if ("ok" in scan) return done(scan);
      const surplus = numbers.filter((number) => number > scan.segment);
      removeAll(disk, surplus, broken, () => settleTail(disk, scan, broken, done));
    });
  });
}

function readSegments(
  disk: Disk,
  numbers: readonly number[],
  segments: Segment[],
  broken: (error: DiskError) => void,
  done: (segments: readonly Segment[]) => void,
): void {
  const number = numbers[segments.length];
  if (number === undefined) return done(segments);
  disk.open(segmentName(number), false, (error, file) => {
    if (error !== null || file === null) return broken(error ?? { code: "EIO", message: "no file" });
    file.read(0, file.sizeBytes, (failure, bytes) => {
      file.close();
      if (failure !== null) return broken(failure);
      segments.push({ number, bytes });
      readSegments(disk, numbers, segments, broken, done);
    });
  });
}

function removeAll(disk: Disk, numbers: readonly number[], broken: (error: DiskError) => void, done: () => void): void {
  const last = numbers.at(-1);
  if (last === undefined) return done();
  disk.remove(segmentName(last), (error) => {
    if (error !== null) return broken(error);
    removeAll(disk, numbers.slice(0, -1), broken, done);
  });
}

/** Cuts, syncs file and directory: a process that died may have left un-synced bytes that we just read as good. */
function settleTail(
  disk: Disk,
  scan: Scan,
  broken: (error: DiskError) => void,
  done: (result: Recovered) => void,
): void {
  disk.open(segmentName(scan.segment), true, (error, opened) => {
    if (error !== null || opened === null) return broken(error ?? { code: "EIO", message: "no file" });
    const file: DiskFile = opened;
    const finish = (): void => {
      file.sync((syncError) => {
        if (syncError !== null) return broken(syncError);
        disk.syncDirectory((directoryError) => {
          if (directoryError !== null) return broken(directoryError);
          const { hardState, base, entries, segment, segments, segmentPosition, goodBytes: offset, cutBytes } = scan;
          const tail = { file, segment, segments, segmentPosition, offset, hardState, base };
          done({ ok: true, hardState, log: { base, entries }, cutBytes, tail });
        });
      });
    };
    if (file.sizeBytes === scan.goodBytes) return finish();
    file.truncate(scan.goodBytes, (cutError) => (cutError === null ? finish() : broken(cutError)));
  });
}
