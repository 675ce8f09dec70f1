/**
 * An order-free hash of the whole state: the sum of the rows' hashes, in two 32-bit lanes. Adding and taking away a row
 * is O(1), so every replica can know it after every entry.
 */
import type { Row } from "./machine.ts";

export class StateHash {
  #low = 0;
  #high = 0;

  add(key: string, row: Row): void {
    this.#low = (this.#low + lane(key, row, 0x9e3779b9)) >>> 0;
    this.#high = (this.#high + lane(key, row, 0x85ebca6b)) >>> 0;
  }

  remove(key: string, row: Row): void {
    this.#low = (this.#low - lane(key, row, 0x9e3779b9)) >>> 0;
    this.#high = (this.#high - lane(key, row, 0x85ebca6b)) >>> 0;
  }

  /** 16 hex digits. */
  toString(): string {
    return this.#high.toString(16).padStart(8, "0") + this.#low.toString(16).padStart(8, "0");
  }

  /** The low 53 bits as one integer, for cheap comparison. */
  get digest(): number {
    return (this.#high & 0x1fffff) * 0x100000000 + this.#low;
  }
}

function lane(key: string, row: Row, seed: number): number {
  let hash = seed;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  for (const field of [row.crc, row.createRevision, row.modRevision, row.version]) {
    hash = Math.imul(hash ^ (field >>> 0) ^ Math.floor(field / 0x100000000), 0xcc9e2d51);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
