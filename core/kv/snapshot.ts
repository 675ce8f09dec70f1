/**
 * A snapshot's bytes: logical, sorted, canonical. The same state at the same index gives the same bytes on every member
 * and in every engine.
 *
 *     u32 magic, then blocks: u32 length, u32 CRC-32 of the content, content
 *
 * The first block is the header (format, cluster, place, configuration, level, counts); the sessions follow in blocks,
 * in order of their last use, then the rows in order of their keys; an empty block is the end.
 */
import { assert } from "../assert.ts";
import { BadBytes, crc32, Reader, readU32, Writer, writeU32 } from "../bytes.ts";
import { readConfiguration, writeConfiguration } from "../protocol/configuration-codec.ts";
import type { ConfigurationAt } from "../protocol/configuration.ts";
import type { LogPosition } from "../protocol/entry.ts";
import type { ClusterId } from "../units.ts";
import type { Row } from "./machine.ts";
import type { Session } from "./sessions.ts";

/** Rises with every change of the bytes; a reader refuses a newer one. */
export const snapshotFormat = 1;
const magic = 0x4e53534d; // "MSSN"
const blockHeaderBytes = 8;
/** Holds the largest row. */
const blockBytesMax = 32 * 1024 * 1024;

/** What a snapshot is of. The counts are checked against what follows. */
export type SnapshotHeader = {
  readonly cluster: ClusterId;
  readonly place: LogPosition;
  /** In force at the place. */
  readonly configuration: ConfigurationAt;
  readonly sessionCount: number;
  readonly rowCount: number;
};

/** Writes the magic number and the header's block. Sessions, rows and `endSnapshot` follow, in this order. */
export function beginSnapshot(writer: Writer, header: SnapshotHeader): void {
  assert(
    header.configuration.index <= header.place.index,
    "the configuration in force at a place was appended up to it",
  );
  writer.u32(magic);
  writeBlock(writer, () => {
    writer.u32(snapshotFormat);
    writer.id(header.cluster);
    const { index, term, clusterMicros } = header.place;
    for (const field of [index, term, clusterMicros, header.configuration.index]) writer.u64(field);
    writeConfiguration(writer, header.configuration.configuration);
    // The feature level: no feature needs one yet.
    writer.u32(0);
    writer.u64(header.sessionCount);
    writer.u64(header.rowCount);
  });
}

/** At most `snapshotBlockItems` sessions: one block. */
export function writeSessions(writer: Writer, sessions: readonly Session[]): void {
  writeBlock(writer, () => {
    for (const session of sessions) writeSession(writer, session);
  });
}

/**
 * Exactly `snapshotBlockItems` rows, or the last ones: a block ends once it has `blockBytes`. Where blocks end is a part of
 * the bytes, so both limits are the same on every member.
 */
export function writeRows(writer: Writer, rows: readonly (readonly [string, Row])[], blockBytes: number): void {
  for (let at = 0; at < rows.length;) {
    writeBlock(writer, () => {
      for (const start = writer.length; at < rows.length && writer.length - start < blockBytes; at++) {
        const [key, row] = rows[at]!;
        writer.text(key);
        writeRow(writer, row);
      }
    });
  }
}

/** Writes the empty block, without which the snapshot counts as cut off. */
export function endSnapshot(writer: Writer): void {
  writeBlock(writer, () => undefined);
}

/** Appends a row without its key. */
export function writeRow(writer: Writer, { value, createRevision, modRevision, version, crc }: Row): void {
  for (const field of [createRevision, modRevision, version]) writer.u64(field);
  writer.u32(crc);
  writer.text(value);
}

/** Throws BadBytes where the bytes end too early. The checksum of the value is not compared. */
export function readRow(reader: Reader): Row {
  const [createRevision, modRevision, version] = [reader.u64(), reader.u64(), reader.u64()];
  const crc = reader.u32();
  return { value: reader.text(blockBytesMax), createRevision, modRevision, version, crc };
}

/** Appends a session with all its results, in order of their sequence. */
export function writeSession(writer: Writer, { id, lastIndex, lastMicros, results }: Session): void {
  for (const field of [id, lastIndex, lastMicros]) writer.u64(field);
  writer.u32(results.length);
  for (const { sequence, digest, revision, existed, matched } of results) {
    writer.u64(sequence);
    writer.u32(digest);
    writer.u64(revision);
    writer.u8((existed ? 1 : 0) + (matched ? 2 : 0));
  }
}

/** Throws BadBytes where the bytes end too early. */
export function readSession(reader: Reader): Session {
  const [id, lastIndex, lastMicros] = [reader.u64(), reader.u64(), reader.u64()];
  const results = Array.from({ length: reader.count(21) }, () => {
    const [sequence, digest, revision, flags] = [reader.u64(), reader.u32(), reader.u64(), reader.u8()];
    return { sequence, digest, revision, existed: (flags & 1) !== 0, matched: (flags & 2) !== 0 };
  });
  return { id, lastIndex, lastMicros, results };
}

function writeBlock(writer: Writer, content: () => void): void {
  const at = writer.reserve(blockHeaderBytes);
  content();
  const block = writer.bytes().subarray(at);
  assert(block.length - blockHeaderBytes <= blockBytesMax, "no block is written that no reader takes");
  writeU32(block, 0, block.length - blockHeaderBytes);
  writeU32(block, 4, crc32(block.subarray(blockHeaderBytes), 0));
}

/** Gets the parts of a snapshot as they come: the header once and first, all sessions before the rows. */
export interface SnapshotTaker {
  header(header: SnapshotHeader): void;
  sessions(sessions: readonly Session[]): void;
  rows(rows: readonly (readonly [string, Row])[]): void;
}

/** Takes a snapshot's bytes in any pieces, in order. Throws BadBytes at the first that cannot be. */
export class SnapshotReader {
  readonly #taker: SnapshotTaker;
  #rest: Uint8Array = new Uint8Array(0);
  #begun = false;
  #header: SnapshotHeader | null = null;
  #sessions = 0;
  #rows = 0;
  #lastKey: string | null = null;
  #ended = false;

  constructor(taker: SnapshotTaker) {
    this.#taker = taker;
  }

  /** The end was read, and everything that the header announces. */
  get ended(): boolean {
    return this.#ended && this.#rest.length === 0;
  }

  receive(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? chunk : joined(this.#rest, chunk);
    let at = 0;
    if (!this.#begun) {
      if (bytes.length < 4) return this.#keep(bytes, 0);
      if (readU32(bytes, 0) !== magic) throw new BadBytes("not a snapshot");
      this.#begun = true;
      at = 4;
    }
    while (bytes.length - at >= blockHeaderBytes) {
      const length = readU32(bytes, at);
      if (length > blockBytesMax) throw new BadBytes(`a block of ${length} bytes`);
      const start = at + blockHeaderBytes;
      if (start + length > bytes.length) break;
      if (crc32(bytes.subarray(start, start + length), 0) !== readU32(bytes, at + 4)) {
        throw new BadBytes("a block's checksum is wrong");
      }
      this.#block(new Reader(bytes, start, start + length));
      at = start + length;
    }
    this.#keep(bytes, at);
  }

  #keep(bytes: Uint8Array, from: number): void {
    assert(
      bytes.length - from < blockHeaderBytes + blockBytesMax,
      "what is kept for the next chunk is less than a block",
    );
    this.#rest = bytes.slice(from);
  }

  #block(reader: Reader): void {
    assert(this.#begun, "blocks come after the magic number");
    if (this.#ended) throw new BadBytes("bytes after the end");
    if (this.#header === null) return this.#takeHeader(reader);
    if (reader.left === 0) {
      const isWhole = this.#sessions === this.#header.sessionCount && this.#rows === this.#header.rowCount;
      if (!isWhole) throw new BadBytes("rows or sessions are missing");
      this.#ended = true;
    } else if (this.#sessions < this.#header.sessionCount) {
      const sessions: Session[] = [];
      while (reader.left > 0) sessions.push(readSession(reader));
      this.#sessions += sessions.length;
      this.#taker.sessions(sessions);
    } else this.#takeRows(reader);
  }

  #takeHeader(reader: Reader): void {
    assert(this.#header === null, "the header is read once");
    const format = reader.u32();
    if (format > snapshotFormat) throw new BadBytes(`format ${format} is newer than this program's ${snapshotFormat}`);
    const cluster = reader.id();
    const place = { index: reader.u64(), term: reader.u64(), clusterMicros: reader.u64() };
    const configuration = { index: reader.u64(), configuration: readConfiguration(reader) };
    if (configuration.index > place.index) throw new BadBytes("its configuration lies beyond it");
    if (reader.u32() !== 0) throw new BadBytes("a feature level that this program does not have");
    const [sessionCount, rowCount] = [reader.u64(), reader.u64()];
    reader.end();
    this.#header = { cluster, place, configuration, sessionCount, rowCount };
    this.#taker.header(this.#header);
  }

  #takeRows(reader: Reader): void {
    assert(this.#header !== null, "rows come after the header");
    const rows: [string, Row][] = [];
    while (reader.left > 0) {
      const key = reader.text(blockBytesMax);
      if (this.#lastKey !== null && key <= this.#lastKey) throw new BadBytes("rows are out of order");
      this.#lastKey = key;
      rows.push([key, readRow(reader)]);
    }
    this.#rows += rows.length;
    this.#taker.rows(rows);
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
