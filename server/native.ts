import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { accelerate } from "../core/bytes.ts";

/** Hands the machine's own forms of core's hot loops over; a test holds both forms against each other. */
export function useNativeBytes(): void {
  // Buffer's methods work on any Uint8Array; @types/node does not say so, and they are called with one below.
  // oxlint-disable-next-line typescript/unbound-method
  const { latin1Slice, latin1Write } = Buffer.prototype as unknown as {
    latin1Slice(this: Uint8Array, start: number, end: number): string;
    latin1Write(this: Uint8Array, text: string, at: number, length: number): number;
  };
  accelerate({
    crc32: (bytes, seed) => crc32(bytes, seed),
    latin1Decode: (bytes, start, end) => latin1Slice.call(bytes, start, end),
    latin1Write: (into, at, text) => void latin1Write.call(into, text, at, text.length),
  });
}
