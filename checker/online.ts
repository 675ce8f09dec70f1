/**
 * What revisions give away at once: a check of each answer as it comes, in constant time but for a search among a key's
 * writes. It finds most stale reads at the moment when they happen; whatever it passes, `check` still has to decide.
 */
import type { Operation } from "./history.ts";

export type { Operation } from "./history.ts";

type Row = {
  /** The highest revision that was answered. */
  highest: number;
  /** Writes whose answers have come, by revision, rising. */
  readonly writes: { readonly revision: number; readonly value: string | null }[];
  readonly revisionOf: Map<string, number>;
};

/** The first place in `writes` whose revision is above `revision`. */
function after(writes: Row["writes"], revision: number): number {
  let [low, high] = [0, writes.length];
  // Most come in order.
  if (high > 0 && writes[high - 1]!.revision <= revision) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (writes[middle]!.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One for each history, fed in the order in which calls and answers happen. It never says that a history is legal. */
export class OnlineChecker {
  readonly #rows = new Map<string, Row>();

  #rowOf(key: string): Row {
    let row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, (row = { highest: -Infinity, writes: [], revisionOf: new Map() }));
    return row;
  }

  /** An operation on `key` is called now. What is returned goes to `answered`: no answer to it may be at a lower revision. */
  called(key: string): number {
    return this.#rowOf(key).highest;
  }

  /** The operation is answered now. What is wrong with the answer, as a sentence, or null. */
  answered(operation: Operation, mark: number): string | null {
    const { key, revision, outcome, client, op } = operation;
    if (revision === undefined || outcome === "none" || outcome === "unknown") return null;
    const row = this.#rowOf(key);
    if (revision < mark) {
      return `client ${client}'s ${op} of key ${key} is answered at revision ${revision}, but ${mark} had been answered before it was called`;
    }
    row.highest = Math.max(row.highest, revision);
    if (operation.op === "get") return this.#read(row, operation, revision);
    if (outcome === "mismatch" || operation.op === "append") return null;
    const value = operation.op === "cas" ? operation.value[1] : operation.value;
    const at = after(row.writes, revision);
    row.writes.splice(at, 0, { revision, value });
    if (value !== null) row.revisionOf.set(value, revision);
    return null;
  }

  #read(row: Row, { client, key, value }: Operation & { readonly op: "get" }, revision: number): string | null {
    const newest = row.writes[after(row.writes, revision) - 1];
    const written = value === null ? undefined : row.revisionOf.get(value);
    // What was read may be from a write that is not answered yet.
    if (written === undefined || newest === undefined || newest.revision <= written) return null;
    return `client ${client} read ${value} of key ${key} at revision ${revision}, but that was written at ${written} and overtaken at ${newest.revision}`;
  }
}
