/**
 * The WAL's bytes. A segment file is a run of batches, each starting at a multiple of 8:
 *
 *      0 u32 magic                          32 u64 synced through: position in the whole log, see below
 *      4 u32 bytes of the batch, padded     40 u64 position of this segment's first byte
 *      8 u32 CRC-32 of bytes 12..end        48     store id, 16 bytes
 *     12 u32 records                        64     records
 *     16 u64 segment number
 *     24 u64 offset in the file
 *
 * A position counts bytes over all segments since the first. The header names its own place and directory, under the
 * CRC, so that a misdirected, recycled or foreign batch fails. "Synced through" is how far the writer knew the log to
 * be durable when it wrote the batch: it is what tells a torn tail from corruption.
 *
 * Records: u8 1, u64 term, u64 vote (hard state) · u8 2, an entry as in protocol/entry-codec.ts · u8 3, u64 index, u64 term,
 * u64 cluster time, u64 index of a configuration, that configuration (base: the log begins after that place from now on,
 * and what was before it is durable elsewhere; the configuration is the one in force there) · u8 4, the same (a base in
 * whose place the log held another entry: what it held after that goes too, also where a reader no longer sees which it was).
 */
import { assert } from "../assert.ts";
import { BadBytes, crc32, Reader, readU32, readU64, type Writer, writeId, writeU32, writeU64 } from "../bytes.ts";
import type { CompactionPoint } from "../protocol/configuration.ts";
import { type Entry, entryKinds, type HardState } from "../protocol/entry.ts";
import { type Checked, refused } from "../result.ts";
import type { StoreId } from "../units.ts";
import { decodeConfiguration, readConfiguration, writeConfiguration } from "../protocol/configuration-codec.ts";
import { decodeEntry, entryLength, entryPayload } from "../protocol/entry-codec.ts";

/** The header without its records; also the whole of an empty batch. */
export const batchHeaderBytes = 64;
const magic = 0x4257534d; // "MSWB"
const recordKinds = { hardState: 1, entry: 2, base: 3, replacingBase: 4 } as const;

/** What one batch says, in this order. */
export type BatchContent = {
  readonly hardState: HardState | null;
  readonly base: CompactionPoint | null;
  /** The log held another entry at the base's place, and so nothing of what followed it stays. */
  readonly replaces: boolean;
  readonly entries: readonly Entry[];
};

/** It says only what its header does. */
export const emptyBatch: BatchContent = { hardState: null, base: null, replaces: false, entries: [] };

/**
 * Where a batch stands, and how much the writer knew to be durable. In bytes, but `segment`, which is a number of a
 * file.
 */
export type BatchPlace = {
  readonly storeId: StoreId;
  readonly segment: number;
  readonly offset: number;
  readonly segmentPosition: number;
  readonly syncedThrough: number;
};

/** A batch whose checksum and place are right. `bytes`: its whole length, a multiple of 8. */
export type BatchHeader = BatchPlace & { readonly bytes: number; readonly records: number };

/** A hexadecimal number of fixed width: names sort as segments follow each other. */
export function segmentName(segment: number): string {
  return `wal-${segment.toString(16).padStart(12, "0")}.log`;
}

/** The number in a segment's name, or null for another file. */
export function segmentNumber(name: string): number | null {
  const match = /^wal-([0-9a-f]{12})\.log$/.exec(name);
  return match === null ? null : Number.parseInt(match[1]!, 16);
}

/** Writes one batch at the start of `writer`. */
export function encodeBatch(
  writer: Writer,
  place: BatchPlace,
  { hardState, base, replaces, entries }: BatchContent,
): void {
  assert(place.offset % 8 === 0, "batches start at multiples of 8");
  assert(
    place.syncedThrough <= place.segmentPosition + place.offset,
    "a batch's watermark covers only what comes before it",
  );
  writer.reset();
  writer.reserve(batchHeaderBytes);
  if (hardState !== null) {
    writer.u8(recordKinds.hardState);
    writer.u64(hardState.term);
    writer.u64(hardState.vote);
  }
  if (base !== null) {
    writer.u8(replaces ? recordKinds.replacingBase : recordKinds.base);
    const { place: at, configuration } = base;
    for (const field of [at.index, at.term, at.clusterMicros, configuration.index]) writer.u64(field);
    writeConfiguration(writer, configuration.configuration);
  }
  for (const entry of entries) {
    writer.u8(recordKinds.entry);
    writer.raw(entry.bytes);
  }
  while (writer.length % 8 !== 0) writer.u8(0);
  const bytes = writer.bytes();
  writeU32(bytes, 0, magic);
  writeU32(bytes, 4, bytes.length);
  writeU32(bytes, 12, entries.length + (hardState === null ? 0 : 1) + (base === null ? 0 : 1));
  writeU64(bytes, 16, place.segment);
  writeU64(bytes, 24, place.offset);
  writeU64(bytes, 32, place.syncedThrough);
  writeU64(bytes, 40, place.segmentPosition);
  writeId(bytes, 48, place.storeId);
  writeU32(bytes, 8, crc32(bytes.subarray(12), 0));
}

// What a scan of a damaged file meets at every eighth byte.
const cutOff = refused("the batch is cut off");
const noBatch = refused("no batch starts here");

/** The header of the batch at `offset` of `segment`'s bytes, where it is whole and genuine. */
export function checkBatch(bytes: Uint8Array, segment: number, offset: number, storeId: StoreId): Checked<BatchHeader> {
  if (bytes.length - offset < batchHeaderBytes) return cutOff;
  if (readU32(bytes, offset) !== magic) return noBatch;
  const length = readU32(bytes, offset + 4);
  if (length < batchHeaderBytes || length % 8 !== 0 || length > bytes.length - offset) return cutOff;
  if (crc32(bytes.subarray(offset + 12, offset + length), 0) !== readU32(bytes, offset + 8))
    return refused("the checksum is wrong");
  try {
    const reader = new Reader(bytes, offset + 12, offset + batchHeaderBytes);
    const [records, ownSegment, ownOffset] = [reader.u32(), reader.u64(), reader.u64()];
    const [syncedThrough, segmentPosition, ownStore] = [reader.u64(), reader.u64(), reader.id()];
    if (ownStore !== storeId) return refused(`the batch belongs to store ${ownStore}`);
    if (ownSegment !== segment || ownOffset !== offset)
      return refused(`the batch belongs to segment ${ownSegment} at ${ownOffset}`);
    const value = { storeId, segment, offset, segmentPosition, syncedThrough, bytes: length, records };
    return { ok: true, value };
  } catch (error) {
    if (error instanceof BadBytes) return refused(error.message);
    throw error;
  }
}

/** Gets the records of a batch in their order. It may throw BadBytes where one cannot follow those before it. */
export interface RecordTaker {
  hardState(hardState: HardState): void;
  base(base: CompactionPoint, replaces: boolean): void;
  entry(entry: Entry): void;
}

/** Hands each record of a checked batch to its taker. Throws BadBytes where a genuine batch holds what no writer wrote. */
export function readRecords(
  bytes: Uint8Array,
  header: Pick<BatchHeader, "offset" | "bytes" | "records">,
  taker: RecordTaker,
): void {
  const end = header.offset + header.bytes;
  let at = header.offset + batchHeaderBytes;
  for (let record = 0; record < header.records; record++) {
    const kind = bytes[at]!;
    at += 1;
    if (kind === recordKinds.hardState) {
      taker.hardState({ term: readU64(bytes, at), vote: readU64(bytes, at + 8) });
      at += 16;
    } else if (kind === recordKinds.base || kind === recordKinds.replacingBase) {
      const reader = new Reader(bytes, at, end);
      const place = { index: reader.u64(), term: reader.u64(), clusterMicros: reader.u64() };
      const configuration = { index: reader.u64(), configuration: readConfiguration(reader) };
      taker.base({ place, configuration }, kind === recordKinds.replacingBase);
      at = end - reader.left;
    } else if (kind === recordKinds.entry) {
      const entry = decodeEntry(bytes, at, end);
      if (entry.kind === entryKinds.configuration) decodeConfiguration(entryPayload(entry));
      taker.entry(entry);
      at += entryLength(bytes, at, end);
    } else {
      throw new BadBytes(`record kind ${kind} is not known: written by a newer version?`);
    }
  }
}
