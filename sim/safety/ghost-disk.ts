/**
 * One node's WAL as the ghost sees it: batches as they are written, those that an honest disk holds, and what a crash has
 * left of the others.
 */
import { Reader, readU32 } from "../../core/bytes.ts";
import type { CompactionPoint } from "../../core/protocol/configuration.ts";
import type { Entry, HardState } from "../../core/protocol/entry.ts";
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
  readonly entries: readonly Entry[];
  /** The batch's checksum: which batch it is. */
  readonly crc: number;
};
type Pending = GhostBatch & { readonly file: string; readonly seq: number };

/** One for each machine, through all its processes. What it counts as durable never depends on what a node says. */
export class GhostDisk {
  /** Written and not yet durable, in order. */
  #pending: Pending[] = [];
  /** The durable batches of each segment that is there. */
  readonly #durable = new Map<string, number[]>();

  /** The WAL batch in a write, or null for another file's bytes. */
  wrote(file: string, bytes: Uint8Array, seq: number): GhostBatch | null {
    if (segmentNumber(file) === null) return null;
    const batch = recordsOf(bytes, { offset: 0, bytes: bytes.length, records: readU32(bytes, 12) });
    this.#pending.push({ ...batch, file, seq });
    return batch;
  }

  /** Everything in `file` up to the write `throughSeq` is durable; returns what is so now. */
  synced(file: string, throughSeq: number): readonly GhostBatch[] {
    if (segmentNumber(file) === null) return [];
    const batches: Pending[] = [];
    while (this.#pending[0] !== undefined && this.#pending[0].seq <= throughSeq && this.#pending[0].file === file) {
      const batch = this.#pending.shift()!;
      this.#durableOf(file).push(batch.crc);
      batches.push(batch);
    }
    return batches;
  }

  /** The node has removed a segment on purpose; a crash may bring it back. */
  removed(file: string): void {
    this.#durable.delete(file);
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
    for (const [file, crcs] of this.#durable) {
      const left = surviving.filter((batch) => batch.file === file);
      compare(file, crcs, left);
    }
    const oldest = [...this.#durable.keys()].toSorted()[0] ?? "";
    const tail: Pending[] = [];
    for (const file of new Set(surviving.map((batch) => batch.file))) {
      // One that was removed, and that the crash has brought back, says nothing new.
      if (file < oldest) continue;
      const batches = surviving.filter((batch) => batch.file === file);
      for (const batch of batches.slice(this.#durable.get(file)?.length ?? 0)) tail.push({ ...batch, seq: 0 });
    }
    this.#pending = tail;
    return tail;
  }

  #durableOf(file: string): number[] {
    const crcs = this.#durable.get(file) ?? [];
    this.#durable.set(file, crcs);
    return crcs;
  }
}

function recordsOf(bytes: Uint8Array, header: Pick<BatchHeader, "offset" | "bytes" | "records">): GhostBatch {
  let hard: HardState | null = null;
  let base: CompactionPoint | null = null;
  const entries: Entry[] = [];
  readRecords(bytes, header, {
    hardState: (record) => (hard = record),
    base: (record) => (base = record),
    entry: (entry) => entries.push(entry),
  });
  return { hard, base, entries, crc: readU32(bytes, header.offset + 8) };
}

/** Every batch from the front up to the first byte that is none. */
function survivingBatches(contents: ReadonlyMap<string, Uint8Array>): (GhostBatch & { readonly file: string })[] {
  const batches: (GhostBatch & { file: string })[] = [];
  const segments = [...contents].flatMap(([file, bytes]) => {
    const number = segmentNumber(file);
    return number === null ? [] : [{ file, bytes, number }];
  });
  for (const { file, bytes, number } of segments.toSorted((a, b) => a.number - b.number)) {
    let offset = 0;
    while (offset < bytes.length) {
      if (bytes.length - offset < batchHeaderBytes) return batches;
      const storeId = new Reader(bytes, offset + 48, offset + 64).id();
      const header = checkBatch(bytes, number, offset, storeId);
      if (typeof header === "string") return batches;
      batches.push({ ...recordsOf(bytes, header), file });
      offset += header.bytes;
    }
  }
  return batches;
}
