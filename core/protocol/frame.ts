/**
 * Frames on a stream: u32 length of the body, u32 CRC-32 of the body, body. The first frame each way is a handshake.
 */
import { BadBytes, crc32, Reader, readU32, type Writer, writeU32 } from "../bytes.ts";
import type { ClusterId, Index, NodeId, StoreId } from "../units.ts";

/** The length and the CRC-32 of the body, 4 bytes each. */
export const frameHeaderBytes = 8;
/** Must hold the largest value (1.5 MiB by default, 16 MiB by flag) and an append's batch around it. */
export const frameBytesMax = 32 * 1024 * 1024;
/** The highest version of the peer protocol that this program speaks; a handshake names a range. */
export const protocolVersion = 5;
/** A handshake is this small. */
export const handshakeBytesMax = 1024;

/** What each side says first. The other side checks it before any message counts. */
export type Handshake = {
  readonly versionMin: number;
  readonly versionMax: number;
  /** Empty while the sender does not know its cluster, and towards a node that does not know it. */
  readonly cluster: ClusterId;
  readonly node: NodeId;
  readonly incarnation: Index;
  readonly boot: number;
  /** Drawn at each start: two starts of copies of one directory share the boot, not this. */
  readonly nonce: number;
  readonly storeId: StoreId;
  /** False while the sender only asks to become, or to become again, a member. */
  readonly takesPart: boolean;
  /** The id that the other side should have. */
  readonly to: NodeId;
  /** Where the sender is reached, as far as it knows; empty while it does not know. */
  readonly url: string;
};

const urlBytesMax = 300;
const magic = 0x4b56534d; // "MSVK"

/** Appends the body of a handshake frame. A URL that is too long goes as none. */
export function encodeHandshake(writer: Writer, handshake: Handshake): void {
  writer.u32(magic);
  writer.u32(handshake.versionMin);
  writer.u32(handshake.versionMax);
  writer.id(handshake.cluster);
  writer.u64(handshake.node);
  writer.u64(handshake.incarnation);
  writer.u64(handshake.boot);
  writer.u32(handshake.nonce);
  writer.id(handshake.storeId);
  writer.u8(handshake.takesPart ? 1 : 0);
  writer.u64(handshake.to);
  writer.text(handshake.url.length <= urlBytesMax ? handshake.url : "");
}

/** Throws BadBytes where the other end is no peer or the body has another length. */
export function decodeHandshake(reader: Reader): Handshake {
  if (reader.u32() !== magic) throw new BadBytes("not a metaStore peer");
  const handshake = {
    versionMin: reader.u32(),
    versionMax: reader.u32(),
    cluster: reader.id(),
    node: reader.u64(),
    incarnation: reader.u64(),
    boot: reader.u64(),
    nonce: reader.u32(),
    storeId: reader.id(),
    takesPart: reader.u8() === 1,
    to: reader.u64(),
    url: reader.text(urlBytesMax),
  };
  reader.end();
  return handshake;
}

/** Writes one frame whose body `encode` writes. */
export function writeFrame(writer: Writer, encode: () => void): void {
  const at = writer.reserve(frameHeaderBytes);
  encode();
  const bytes = writer.bytes();
  const body = bytes.subarray(at + frameHeaderBytes);
  if (body.length > frameBytesMax) throw new BadBytes(`a frame of ${body.length} bytes`);
  writeU32(bytes, at, body.length);
  writeU32(bytes, at + 4, crc32(body, 0));
}

/** Cuts a stream, in whatever pieces it comes, into frames. After BadBytes the stream is of no more use. */
export class FrameReader {
  /** A longer frame is bad bytes as soon as its header is there. */
  bytesMax: number;
  #rest: Uint8Array = new Uint8Array(0);
  #restLength = 0;

  constructor(bytesMax = frameBytesMax) {
    this.bytesMax = bytesMax;
  }

  /** Calls `take` with a reader over each complete frame's body; the body is valid during that call only. */
  receive(chunk: Uint8Array, take: (body: Reader) => void): void {
    if (this.#restLength > 0) {
      this.#hold(chunk);
      const used = this.#cut(this.#rest.subarray(0, this.#restLength), take);
      this.#rest.copyWithin(0, used, this.#restLength);
      this.#restLength -= used;
      if (this.#restLength === 0) this.#rest = new Uint8Array(0);
      return;
    }
    const used = this.#cut(chunk, take);
    if (used < chunk.length) this.#hold(chunk.subarray(used));
  }

  #hold(bytes: Uint8Array): void {
    const length = this.#restLength + bytes.length;
    if (length > this.#rest.length) {
      const grown = new Uint8Array(Math.max(length, this.#rest.length * 2));
      grown.set(this.#rest.subarray(0, this.#restLength));
      this.#rest = grown;
    }
    this.#rest.set(bytes, this.#restLength);
    this.#restLength = length;
  }

  #cut(bytes: Uint8Array, take: (body: Reader) => void): number {
    let at = 0;
    while (bytes.length - at >= frameHeaderBytes) {
      const length = readU32(bytes, at);
      if (length > this.bytesMax) throw new BadBytes(`a frame of ${length} bytes, at most ${this.bytesMax} expected`);
      const end = at + frameHeaderBytes + length;
      if (end > bytes.length) break;
      const body = bytes.subarray(at + frameHeaderBytes, end);
      if (crc32(body, 0) !== readU32(bytes, at + 4)) throw new BadBytes("a frame's checksum is wrong");
      take(new Reader(body));
      at = end;
    }
    return at;
  }
}
