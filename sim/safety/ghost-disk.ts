/**
 * One node's WAL as the ghost sees it: batches as they are written, those that an honest disk holds, and what a crash has
 * left of the others.
 */
import { crc32, Reader, readU32, readU64 } from "../../core/bytes.ts";
import type { CompactionPoint } from "../../core/protocol/configuration.ts";
import type { Entry, HardState } from "../../core/protocol/entry.ts";
import type { Index } from "../../core/units.ts";
import {
  batchHeaderBytes,
  type BatchHeader,
  checkBatch,
  readRecords,
  segmentNumber,
} from "../../core/storage/wal-record.ts";

/** One batch of a WAL, decoded from the bytes that were written. */
export type GhostBatch = {
  readonly hard: HardState | null;
  readonly base: CompactionPoint | null;
  /** The base takes the place of another entry: nothing behind it stays. */
  readonly replaces: boolean;
  readonly entries: readonly Entry[];
  /** The batch's checksum: which batch it is. */
  readonly crc: number;
};
/** `end`: where it ends in its file. `isToldElsewhere`: the identity says that it is durable, by the time that it is. */
type Pending = GhostBatch & {
  readonly file: string;
  readonly seq: number;
  readonly end: number;
  readonly isToldElsewhere: boolean;
};
/** A segment as it is written; in bytes. */
type Extent = { readonly position: number; end: number; durableEnd: number };

/** What a batch says of its own place, which a recovery goes by. */
export type ClaimedPlace = {
  readonly bytes: number;
  readonly isWhole: boolean;
  readonly segment: number;
  readonly offset: number;
  readonly segmentPosition: number;
  readonly syncedThrough: number;
};

/** Where a batch really is: how far its segment, and the log before that, reach, and how much of the log is durable. */
export type TruePlace = {
  readonly segment: number;
  readonly offset: number;
  /** Where the bytes written so far end, and the durable ones. */
  readonly end: number;
  readonly durableEnd: number;
  /** Null: what came before was lost, and nobody can say. */
  readonly segmentPosition: number | null;
  readonly durableThrough: number;
};

/** One for each machine, through all its processes. What it counts as durable never depends on what a node says. */
export class GhostDisk {
  /** Written and not yet durable, in order. */
  #pending: Pending[] = [];
  /** The durable batches of each segment that is there. */
  readonly #durable = new Map<string, GhostBatch[]>();
  /** The segments that are there, oldest first. */
  readonly #extents = new Map<string, Extent>();
  /** How much of the whole log is durable, in bytes since its beginning. */
  #durableThrough = 0;
  /** The highest watermark in it, and where the records end that a watermark must come to cover. */
  #watermark = 0;
  #recordsThrough = 0;

  /**
   * The WAL batch in a write at `offset`, or null for another file's bytes. `judge` is told what the batch says of its place,
   * and its true place, before it counts.
   */
  wrote(
    file: string,
    offset: number,
    bytes: Uint8Array,
    seq: number,
    judge: (claimed: ClaimedPlace, place: TruePlace) => void,
  ): GhostBatch | null {
    const segment = segmentNumber(file);
    if (segment === null) return null;
    const claimed = claimedPlace(bytes);
    const newest = [...this.#extents.values()].at(-1);
    const before = newest === undefined ? (segment === 0 ? 0 : null) : newest.position + newest.end;
    const { position, end, durableEnd } = this.#extents.get(file) ?? { position: before, end: 0, durableEnd: 0 };
    const durableThrough = position === null ? claimed.segmentPosition : this.#durableThrough;
    judge(claimed, { segment, offset, end, durableEnd, segmentPosition: position, durableThrough });
    this.#watermark = Math.max(this.#watermark, claimed.syncedThrough);
    const batch = recordsOf(bytes, { offset: 0, bytes: bytes.length, records: readU32(bytes, 12) });
    const through = offset + bytes.length;
    this.#extents.set(file, { position: position ?? claimed.segmentPosition, end: through, durableEnd });
    this.#pending.push({ ...batch, file, seq, end: through, isToldElsewhere: offset === 0 });
    return batch;
  }

  /** Where durable records end that no watermark covers, so that their loss would pass for a torn tail; null: there are none. */
  get aboveWatermark(): number | null {
    return this.#recordsThrough > this.#watermark ? this.#recordsThrough : null;
  }

  /** The oldest segment, where a later one is durable and nothing in it lies behind `base`; else null. */
  spareSegment(base: Index): string | null {
    const [oldest, next] = this.#durable;
    if (oldest === undefined || next === undefined) return null;
    return oldest[1].every((batch) => reachOf(batch) <= base) ? oldest[0] : null;
  }

  /** How many bytes of `file` are durable. */
  durableBytes(file: string): number {
    return this.#extents.get(file)?.durableEnd ?? 0;
  }

  /** Everything in `file` up to the write `throughSeq` is durable; returns the batches that have become so. */
  synced(file: string, throughSeq: number): readonly GhostBatch[] {
    if (segmentNumber(file) === null) return [];
    const batches: Pending[] = [];
    while (this.#pending[0] !== undefined && this.#pending[0].seq <= throughSeq && this.#pending[0].file === file) {
      const batch = this.#pending.shift()!;
      this.#noteDurable(batch);
      batches.push(batch);
    }
    return batches;
  }

  /**
   * The durable batches of a segment that is to be removed, and those of the segments that are left then; null where it has
   * none.
   */
  partedBy(file: string): { readonly gone: readonly GhostBatch[]; readonly left: readonly GhostBatch[] } | null {
    const gone = this.#durable.get(file);
    if (gone === undefined) return null;
    const left = [...this.#durable].flatMap(([name, batches]) => (name === file ? [] : batches));
    return { gone, left };
  }

  /** The node has removed a segment on purpose; a crash may bring it back. */
  removed(file: string): void {
    this.#durable.delete(file);
    this.#extents.delete(file);
    this.#pending = this.#pending.filter((batch) => batch.file !== file);
  }

  /**
   * A process starts on what a crash has left. `compare` is told of each segment with durable batches their checksums and
   * what is left of it. Returns the batches beyond those: a legal tail, which the recovery's own sync will make durable.
   */
  restarted(
    contents: ReadonlyMap<string, Uint8Array>,
    compare: (file: string, crcs: readonly number[], left: readonly GhostBatch[]) => void,
  ): readonly GhostBatch[] {
    const surviving = survivingBatches(contents);
    for (const [file, batches] of this.#durable) {
      const left = surviving.filter((batch) => batch.file === file);
      compare(
        file,
        batches.map(({ crc }) => crc),
        left,
      );
    }
    this.#measure(surviving);
    const oldest = [...this.#durable.keys()].toSorted()[0] ?? "";
    const tail: Pending[] = [];
    for (const file of new Set(surviving.map((batch) => batch.file))) {
      // A removed segment that the crash has brought back says nothing new.
      if (file < oldest) continue;
      const batches = surviving.filter((batch) => batch.file === file);
      for (const batch of batches.slice(this.#durable.get(file)?.length ?? 0))
        tail.push({ ...batch, seq: 0, isToldElsewhere: true });
    }
    this.#pending = tail;
    this.#recordsThrough = 0;
    return tail;
  }

  #noteDurable(batch: Pending): void {
    const { file, end } = batch;
    const batches = this.#durable.get(file) ?? [];
    this.#durable.set(file, batches);
    batches.push(batch);
    const extent = this.#extents.get(file);
    if (extent === undefined) return;
    extent.durableEnd = end;
    this.#durableThrough = Math.max(this.#durableThrough, extent.position + end);
    const isEmpty = batch.hard === null && batch.base === null && batch.entries.length === 0;
    if (!isEmpty && !batch.isToldElsewhere) this.#recordsThrough = extent.position + end;
  }

  /** How far each segment reaches after a crash; what is durable stays so. */
  #measure(surviving: readonly Surviving[]): void {
    const before = new Map(this.#extents);
    this.#extents.clear();
    for (const { file, position, end } of surviving) {
      this.#extents.set(file, { position, end, durableEnd: before.get(file)?.durableEnd ?? 0 });
    }
  }
}

/** The highest index that it speaks of. */
function reachOf({ entries, base }: GhostBatch): Index {
  return Math.max(base?.place.index ?? 0, entries.at(-1)?.index ?? 0);
}

function recordsOf(bytes: Uint8Array, header: Pick<BatchHeader, "offset" | "bytes" | "records">): GhostBatch {
  let hard: HardState | null = null;
  let base: CompactionPoint | null = null;
  let replaces = false;
  const entries: Entry[] = [];
  readRecords(bytes, header, {
    hardState: (record) => (hard = record),
    base: (record, isReplacing) => {
      base = record;
      replaces = isReplacing;
    },
    entry: (entry) => entries.push(entry),
  });
  return { hard, base, replaces, entries, crc: readU32(bytes, header.offset + 8) };
}

/** See core/storage/wal-record.ts for the header's fields. */
function claimedPlace(bytes: Uint8Array): ClaimedPlace {
  if (bytes.length < batchHeaderBytes)
    return { bytes: 0, isWhole: false, segment: 0, offset: 0, segmentPosition: 0, syncedThrough: 0 };
  const isWhole = readU32(bytes, 4) === bytes.length && crc32(bytes.subarray(12), 0) === readU32(bytes, 8);
  const [segment, offset, syncedThrough] = [readU64(bytes, 16), readU64(bytes, 24), readU64(bytes, 32)];
  return { bytes: bytes.length, isWhole, segment, offset, syncedThrough, segmentPosition: readU64(bytes, 40) };
}

/** A batch that a crash has left; where its segment begins in the log, and where it ends in its segment. */
type Surviving = GhostBatch & { readonly file: string; readonly position: number; readonly end: number };

/** Every batch from the front up to the first byte that is none. */
function survivingBatches(contents: ReadonlyMap<string, Uint8Array>): Surviving[] {
  const batches: Surviving[] = [];
  const segments = [...contents].flatMap(([file, bytes]) => {
    const number = segmentNumber(file);
    return number === null ? [] : [{ file, bytes, number }];
  });
  for (const { file, bytes, number } of segments.toSorted((a, b) => a.number - b.number)) {
    let offset = 0;
    while (offset < bytes.length) {
      if (bytes.length - offset < batchHeaderBytes) return batches;
      const storeId = new Reader(bytes, offset + 48, offset + 64).id();
      const checked = checkBatch(bytes, number, offset, storeId);
      if (!checked.ok) return batches;
      const header = checked.value;
      offset += header.bytes;
      batches.push({ ...recordsOf(bytes, header), file, position: header.segmentPosition, end: offset });
    }
  }
  return batches;
}
