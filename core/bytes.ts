/**
 * Bytes and their conversions, all in one file. Keys and values live in memory as one-byte (latin1) strings: byte
 * order is `<`, they are Map keys, and the collector sees leaves. Integers are 8 bytes little-endian.
 *
 * The hot loops have portable forms here; a host with native ones hands them over with `accelerate`. Both forms compute
 * the same function, which a test holds against each other, so replay does not depend on which one runs.
 */
import { assert } from "./assert.ts";
import { assertInteger } from "./units.ts";

/** Bytes that are not what the format says: an operating error of the peer or disk that they came from. */
export class BadBytes extends Error {
  override readonly name = "BadBytes";
}

/** The hot functions, which a host may have faster forms of. */
export type Native = {
  /** CRC-32, zlib's polynomial and seeding: `crc32(b, crc32(a, 0))` is the CRC of a then b. */
  crc32(bytes: Uint8Array, seed: number): number;
  latin1Decode(bytes: Uint8Array, start: number, end: number): string;
  latin1Write(into: Uint8Array, at: number, text: string): void;
};

// --- portable forms

const crcTables: Uint32Array[] = [];
for (let table = 0; table < 8; table++) {
  const row = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = table === 0 ? byte : (crcTables[table - 1] as Uint32Array)[byte]!;
    if (table === 0) for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    else crc = (crc >>> 8) ^ (crcTables[0] as Uint32Array)[crc & 0xff]!;
    row[byte] = crc;
  }
  crcTables.push(row);
}
const [t0, t1, t2, t3, t4, t5, t6, t7] = crcTables as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

/** Slice-by-8 (Kounavis and Berry 2005): eight table look-ups for eight bytes. */
function portableCrc32(bytes: Uint8Array, seed: number): number {
  let crc = ~seed;
  let at = 0;
  const blockEnd = bytes.length - 8;
  for (; at <= blockEnd; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      t7[crc & 0xff]! ^
      t6[(crc >>> 8) & 0xff]! ^
      t5[(crc >>> 16) & 0xff]! ^
      t4[crc >>> 24]! ^
      t3[bytes[at + 4]!]! ^
      t2[bytes[at + 5]!]! ^
      t1[bytes[at + 6]!]! ^
      t0[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

function portableLatin1Decode(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at += 4096) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, Math.min(end, at + 4096)) as unknown as number[]);
  }
  return text;
}

function portableLatin1Write(into: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
}

/** The forms without a host's help. A test holds native ones against them. */
export const portable: Native = {
  crc32: portableCrc32,
  latin1Decode: portableLatin1Decode,
  latin1Write: portableLatin1Write,
};

let native: Native = portable;

/** Hands over faster forms of the same functions. Called once, by a host, before any node starts. */
export function accelerate(forms: Native): void {
  native = forms;
}

/** CRC-32 with zlib's polynomial and seeding: `seed` is 0, or the CRC of the bytes before. */
export function crc32(bytes: Uint8Array, seed: number): number {
  return native.crc32(bytes, seed);
}

/** The bytes of [start, end) as a string of one character each. */
export function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return native.latin1Decode(bytes, start, end);
}

/** Writes a latin1 string's bytes at `at`, where there is room. */
export function writeLatin1(into: Uint8Array, at: number, text: string): void {
  native.latin1Write(into, at, text);
}

/** The bytes of a latin1 string; every char code is <= 255. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  native.latin1Write(bytes, 0, text);
  return bytes;
}

// --- fixed places

/** Little-endian. The caller knows that 4 bytes are there. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** Little-endian. `value` is an integer in [0, 2^32), and 4 bytes are there. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Throws BadBytes where the value is beyond 2^53 - 1: no such integer was ever written by us. */
export function readU64(bytes: Uint8Array, at: number): number {
  const high = readU32(bytes, at + 4);
  if (high > 0x1fffff) throw new BadBytes("an integer beyond 2^53");
  return high * 0x100000000 + readU32(bytes, at);
}

/** Little-endian. `value` is a safe integer >= 0, which is asserted. */
export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  assertInteger(value, "an 8-byte field");
  writeU32(bytes, at, value >>> 0);
  writeU32(bytes, at + 4, (value / 0x100000000) >>> 0);
}

/** The last id seen, both ways: every message of a process carries the same cluster id. Changes no result. */
const memo = { id: "", bytes: new Uint8Array(16) };

/** 32 hex digits as 16 bytes; the empty id as 16 zeros. */
export function writeId(bytes: Uint8Array, at: number, id: string): void {
  if (id !== memo.id) {
    assert(id.length === 32 || id.length === 0, "an id has 32 hex digits");
    for (let i = 0; i < 16; i++) memo.bytes[i] = id === "" ? 0 : Number.parseInt(id.slice(2 * i, 2 * i + 2), 16);
    memo.id = id;
  }
  for (let i = 0; i < 16; i++) bytes[at + i] = memo.bytes[i]!;
}

/** 16 bytes as 32 lower-case hex digits; 16 zeros are the empty id. */
export function readId(bytes: Uint8Array, at: number): string {
  let same = true;
  for (let i = 0; i < 16 && same; i++) same = bytes[at + i] === memo.bytes[i];
  if (same) return memo.id;
  let id = "";
  for (let i = 0; i < 16; i++) {
    memo.bytes[i] = bytes[at + i]!;
    id += bytes[at + i]!.toString(16).padStart(2, "0");
  }
  memo.id = /^0+$/.test(id) ? "" : id;
  return memo.id;
}

/** A growing buffer. `bytes()` is a view that the next write may replace: copy it or hand it to a call that copies. */
export class Writer {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for `count` bytes and returns where they start. */
  reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return at;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    const at = this.reserve(4);
    writeU32(this.#bytes, at, value);
  }

  u64(value: number): void {
    const at = this.reserve(8);
    writeU64(this.#bytes, at, value);
  }

  id(value: string): void {
    const at = this.reserve(16);
    writeId(this.#bytes, at, value);
  }

  raw(value: Uint8Array): void {
    const at = this.reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** A 4-byte length, then the bytes. */
  text(value: string): void {
    this.u32(value.length);
    const at = this.reserve(value.length);
    native.latin1Write(this.#bytes, at, value);
  }
}

/** Reads within bounds; every method throws BadBytes where the bytes end too early. */
export class Reader {
  readonly bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  #take(count: number): number {
    if (count > this.left) throw new BadBytes(`${count} bytes expected, ${this.left} left`);
    const at = this.#at;
    this.#at += count;
    return at;
  }

  u8(): number {
    return this.bytes[this.#take(1)]!;
  }

  u32(): number {
    return readU32(this.bytes, this.#take(4));
  }

  u64(): number {
    return readU64(this.bytes, this.#take(8));
  }

  id(): string {
    return readId(this.bytes, this.#take(16));
  }

  /** A view into the input; copy it before the input goes. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.bytes.subarray(at, at + count);
  }

  text(lengthMax: number): string {
    const length = this.u32();
    if (length > lengthMax) throw new BadBytes(`a text of ${length} bytes, at most ${lengthMax} expected`);
    const at = this.#take(length);
    return latin1(this.bytes, at, at + length);
  }

  /** A count of items that follow, each at least `itemBytesMin` long: bounds what a lying count can make us allocate. */
  count(itemBytesMin: number): number {
    const count = this.u32();
    if (count * itemBytesMin > this.left) throw new BadBytes(`${count} items cannot fit in ${this.left} bytes`);
    return count;
  }

  end(): void {
    if (this.left !== 0) throw new BadBytes(`${this.left} bytes too many`);
  }
}
