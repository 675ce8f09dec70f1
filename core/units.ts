/**
 * Distinct types for distinct numbers. A plain number may become any of them; one of them never becomes another, so a
 * term cannot be passed where an index is meant. All are safe integers: 8 bytes little-endian on the wire, no BigInt.
 */
import { assert } from "./assert.ts";

type Flavour<Name extends string> = number & { readonly __flavour?: Name };

/** Position in the replicated log. The first entry has index 1; 0 means "before the log". */
export type Index = Flavour<"index">;
/** Raft term. The first election raises it to 1; 0 means "before any election". */
export type Term = Flavour<"term">;
/** Microseconds of a clock that never goes back within one boot (monotonic), or a span of them. */
export type Micros = Flavour<"micros">;
/** A member's id, >= 1; 0 means "nobody". */
export type NodeId = Flavour<"node-id">;

/** A directory's random identity: 32 lower-case hex digits (128 bits). */
export type StoreId = string;
/** Hash of the founding (genesis): 32 lower-case hex digits. Empty while the founders still wait for each other. */
export type ClusterId = string;

/** For what this program has computed itself; a peer's numbers are checked where they are decoded. */
export function assertInteger(value: number, what: string): void {
  assert(Number.isSafeInteger(value) && value >= 0, `${what} is a safe integer >= 0`);
}
