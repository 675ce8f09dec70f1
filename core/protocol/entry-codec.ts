/**
 * An entry as bytes: independent of its position and checked by itself.
 *
 *      0 u32 length of the whole record     40 u64 origin node           72 u64 session
 *      4 u32 CRC-32 of bytes 8..length      48 u64 origin incarnation    80 u64 sequence
 *      8 u64 index                          56 u64 origin boot           88 payload
 *     16 u64 term                           64 u64 origin seq
 *     24 u8 kind, u8 version, 6 zero bytes
 *     32 u64 cluster time
 */
import { BadBytes, crc32, readU32, readU64, writeU32, writeU64 } from "../bytes.ts";
import type { Index, Micros, Term } from "../units.ts";
import type { Entry, Proposal } from "./entry.ts";

/** Bytes of an entry before its payload; fixed, so that the payload is found without decoding. */
export const entryHeaderBytes = 88;
/** The only payload version there is. */
const payloadVersion = 1;

/** Gives a proposal its place in the log and encodes it, once and for all. */
export function makeEntry(index: Index, term: Term, clusterMicros: Micros, proposal: Proposal): Entry {
  const { kind, origin, session, sequence, payload } = proposal;
  const bytes = new Uint8Array(entryHeaderBytes + payload.length);
  writeU32(bytes, 0, bytes.length);
  writeU64(bytes, 8, index);
  writeU64(bytes, 16, term);
  bytes[24] = kind;
  bytes[25] = payloadVersion;
  writeU64(bytes, 32, clusterMicros);
  writeU64(bytes, 40, origin.node);
  writeU64(bytes, 48, origin.incarnation);
  writeU64(bytes, 56, origin.boot);
  writeU64(bytes, 64, origin.seq);
  writeU64(bytes, 72, session);
  writeU64(bytes, 80, sequence);
  bytes.set(payload, entryHeaderBytes);
  const crc = crc32(bytes.subarray(8), 0);
  writeU32(bytes, 4, crc);
  return { index, term, kind, version: payloadVersion, clusterMicros, origin, session, sequence, crc, bytes };
}

/** The length of the record that starts at `at`; BadBytes where it cannot be one. */
export function entryLength(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < entryHeaderBytes) throw new BadBytes("an entry is cut off");
  const length = readU32(bytes, at);
  if (length < entryHeaderBytes || length > end - at) throw new BadBytes(`an entry of ${length} bytes does not fit`);
  return length;
}

/** Reads the record at `at` into bytes of its own. Throws BadBytes; an unknown kind or version is the reader's to judge. */
export function decodeEntry(bytes: Uint8Array, at: number, end: number): Entry {
  const length = entryLength(bytes, at, end);
  const own = bytes.slice(at, at + length);
  const crc = readU32(own, 4);
  if (crc32(own.subarray(8), 0) !== crc) throw new BadBytes("an entry's checksum is wrong");
  return {
    index: readU64(own, 8),
    term: readU64(own, 16),
    kind: own[24]!,
    version: own[25]!,
    clusterMicros: readU64(own, 32),
    origin: { node: readU64(own, 40), incarnation: readU64(own, 48), boot: readU64(own, 56), seq: readU64(own, 64) },
    session: readU64(own, 72),
    sequence: readU64(own, 80),
    crc,
    bytes: own,
  };
}

/** A view into the entry's bytes; never written to. */
export function entryPayload(entry: Entry): Uint8Array {
  return entry.bytes.subarray(entryHeaderBytes);
}
