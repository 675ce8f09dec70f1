/**
 * Rows, sessions and what they are the state of, as keys and values of an ordered map:
 *
 *     "m"                                  which entry is applied, and which generation of rows holds
 *     "r", u32 generation, the key         a row
 *     "s", u64 id                          a session
 *
 * Integers in keys are big-endian, so that their order is the keys'. An installed snapshot's rows come under the next
 * generation, and hold once "m" says so.
 */
import { BadBytes, crc32, Reader, Writer } from "../bytes.ts";
import type { Row } from "../kv/machine.ts";
import type { Session } from "../kv/sessions.ts";
import { readRow, readSession, writeRow, writeSession } from "../kv/snapshot.ts";
import type { LogPosition } from "../protocol/entry.ts";
import type { Index, StoreId } from "../units.ts";

const formatVersion = 1;
/** Sorts before every row and every session. */
export const metaKey = "m";
/** The first key of the sessions, and the key where they end, itself not included. */
export const sessionRange = ["s", "t"] as const;

/** What the key "m" holds. It is written in one batch with the rows that it speaks of. */
export type Meta = {
  /** The directory whose log the rows are the fold of. */
  readonly storeId: StoreId;
  readonly generation: number;
  readonly applied: LogPosition;
  readonly rowCount: number;
  /** Of the state hash, see kv/state-hash.ts. */
  readonly lanes: readonly [number, number];
};

function bigEndian(value: number, byteCount: number): string {
  let text = "";
  for (let rest = value, k = 0; k < byteCount; k++, rest = Math.floor(rest / 256)) {
    text = String.fromCharCode(rest % 256) + text;
  }
  return text;
}

/** Before the first key of any row of `generation`, and after the last one of the generation before. */
export function generationStart(generation: number): string {
  return `r${bigEndian(generation, 4)}`;
}

/** Rows of one generation sort together, in order of their keys. */
export function rowKey(generation: number, key: string): string {
  return generationStart(generation) + key;
}

/** The key of the row that is stored under `stored`. */
export function keyOfRow(stored: string): string {
  return stored.slice(5);
}

/** Sessions sort by their ids. */
export function sessionKey(id: Index): string {
  return `s${bigEndian(id, 8)}`;
}

/** The same bytes as in a snapshot. */
export function encodeRow(row: Row): Uint8Array {
  return encoded((writer) => writeRow(writer, row));
}

/** The same bytes as in a snapshot. */
export function encodeSession(session: Session): Uint8Array {
  return encoded((writer) => writeSession(writer, session));
}

/** Its last 4 bytes are a CRC-32 of the others, which the decoder compares. */
export function encodeMeta({ storeId, generation, applied, rowCount, lanes }: Meta): Uint8Array {
  return encoded((writer) => {
    writer.u32(formatVersion);
    writer.id(storeId);
    writer.u32(generation);
    for (const field of [applied.index, applied.term, applied.clusterMicros, rowCount]) writer.u64(field);
    for (const lane of lanes) writer.u32(lane);
    writer.u32(crc32(writer.bytes(), 0));
  });
}

/** Throws BadBytes, also for the format of a newer program. */
export function decodeMeta(bytes: Uint8Array): Meta {
  const reader = new Reader(bytes);
  const format = reader.u32();
  if (format > formatVersion) throw new BadBytes(`format ${format} is newer than this program's ${formatVersion}`);
  const [storeId, generation] = [reader.id(), reader.u32()];
  const applied = { index: reader.u64(), term: reader.u64(), clusterMicros: reader.u64() };
  const rowCount = reader.u64();
  const lanes = [reader.u32(), reader.u32()] as const;
  const crc = reader.u32();
  reader.end();
  if (crc32(bytes.subarray(0, bytes.length - 4), 0) !== crc) throw new BadBytes("the checksum is wrong");
  return { storeId, generation, applied, rowCount, lanes };
}

/** Throws BadBytes. */
export function decodeRow(bytes: Uint8Array): Row {
  const reader = new Reader(bytes);
  const row = readRow(reader);
  reader.end();
  return row;
}

/** Throws BadBytes. */
export function decodeSession(bytes: Uint8Array): Session {
  const reader = new Reader(bytes);
  const session = readSession(reader);
  reader.end();
  return session;
}

function encoded(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.bytes().slice();
}
