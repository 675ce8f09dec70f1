/** Where a log can be damaged so that its recovery must notice: below the mark of some batch that stays whole, or of its identity. */
import { Reader } from "../../core/bytes.ts";
import type { LogExtent } from "../../core/storage/identity.ts";
import { batchHeaderBytes, checkBatch, segmentNumber } from "../../core/storage/wal-record.ts";
import type { StoreId } from "../../core/units.ts";
import type { SimDisk } from "./disk.ts";

type Batch = { readonly name: string; readonly offset: number; readonly bytes: number; readonly end: number };

/**
 * A byte of a batch that lies below a later watermark or below `told.durableThrough`, chosen by `below`; null: there is
 * none. It goes by the media: a power cut might take a watermark that is not on them yet, and nothing could notice the
 * damage then. Segments before `told.firstSegment` are no part of the log.
 */
export function durableOffsetBelowWatermark(
  disk: SimDisk,
  told: Pick<LogExtent, "firstSegment" | "durableThrough">,
  below: (bound: number) => number,
): { readonly name: string; readonly offset: number } | null {
  const batches: Batch[] = [];
  let syncedThrough = told.durableThrough;
  for (const [name, bytes] of disk.mediaContents()) {
    const number = segmentNumber(name);
    // A removed segment may still be on the media.
    if (number === null || number < told.firstSegment || !disk.has(name)) continue;
    for (let offset = 0; bytes.length - offset >= batchHeaderBytes;) {
      const checked = checkBatch(bytes, number, offset, new Reader(bytes, offset + 48, offset + 64).id());
      if (!checked.ok) break;
      const header = checked.value;
      syncedThrough = Math.max(syncedThrough, header.syncedThrough);
      batches.push({ name, offset, bytes: header.bytes, end: header.segmentPosition + offset + header.bytes });
      offset += header.bytes;
    }
  }
  const covered = batches.filter(({ end }) => end <= syncedThrough);
  if (covered.length === 0) return null;
  const { name, offset, bytes } = covered[below(covered.length)]!;
  return { name, offset: offset + below(bytes) };
}

/** How many whole batches a segment begins with. */
export function batchCount(bytes: Uint8Array, segment: number, storeId: StoreId): number {
  let count = 0;
  for (let offset = 0; bytes.length - offset >= batchHeaderBytes; count++) {
    const checked = checkBatch(bytes, segment, offset, storeId);
    if (!checked.ok) break;
    offset += checked.value.bytes;
  }
  return count;
}
