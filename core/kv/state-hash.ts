/**
 * An order-free hash of the whole state: the sum of the hashes of rows and sessions, in two 32-bit lanes. Adding and
 * taking away is O(1), so every replica can know it after every entry.
 */
import type { Row } from "./machine.ts";
import type { Session } from "./sessions.ts";

const seeds = [0x9e3779b9, 0x85ebca6b] as const;

/** The hash of one state store, kept in step with it. Equal states have equal hashes, in any engine. */
export class StateHash {
  #low = 0;
  #high = 0;

  addRow(key: string, row: Row): void {
    this.#low = (this.#low + rowLane(key, row, seeds[0])) >>> 0;
    this.#high = (this.#high + rowLane(key, row, seeds[1])) >>> 0;
  }

  removeRow(key: string, row: Row): void {
    this.#low = (this.#low - rowLane(key, row, seeds[0])) >>> 0;
    this.#high = (this.#high - rowLane(key, row, seeds[1])) >>> 0;
  }

  addSession(session: Session): void {
    this.#low = (this.#low + sessionLane(session, seeds[0])) >>> 0;
    this.#high = (this.#high + sessionLane(session, seeds[1])) >>> 0;
  }

  removeSession(session: Session): void {
    this.#low = (this.#low - sessionLane(session, seeds[0])) >>> 0;
    this.#high = (this.#high - sessionLane(session, seeds[1])) >>> 0;
  }

  /** 16 hex digits. */
  toString(): string {
    return this.#high.toString(16).padStart(8, "0") + this.#low.toString(16).padStart(8, "0");
  }

  /** The low 53 bits as one integer, for cheap comparison. */
  get digest(): number {
    return (this.#high & 0x1fffff) * 0x100000000 + this.#low;
  }

  /** The two lanes, for a store that keeps them beside its rows. */
  get lanes(): readonly [number, number] {
    return [this.#low, this.#high];
  }

  set lanes([low, high]: readonly [number, number]) {
    this.#low = low;
    this.#high = high;
  }
}

function rowLane(key: string, row: Row, seed: number): number {
  let hash = seed;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = fold(hash, row.crc);
  hash = fold(hash, row.createRevision);
  hash = fold(hash, row.modRevision);
  return fold(hash, row.version) >>> 0;
}

function sessionLane({ id, lastIndex, lastMicros, results }: Session, seed: number): number {
  let hash = fold(fold(fold(seed ^ 0x5e551011, id), lastIndex), lastMicros);
  for (const { sequence, digest, revision, existed, matched } of results) {
    hash = fold(fold(fold(hash, sequence), digest), revision);
    hash = fold(hash, (existed ? 1 : 0) + (matched ? 2 : 0));
  }
  return hash >>> 0;
}

function fold(hash: number, field: number): number {
  const mixed = Math.imul(hash ^ (field >>> 0) ^ Math.floor(field / 0x100000000), 0xcc9e2d51);
  return mixed ^ (mixed >>> 15);
}
