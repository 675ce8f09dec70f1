/** The operations of one key, as columns: numbers in typed arrays, values as small integers. */
import type { Operation } from "../history.ts";

/** The codes in `kind`. A mismatch is a compare-and-set that was answered with "it held another". */
export const kinds = { get: 0, put: 1, delete: 2, cas: 3, mismatch: 4 } as const;
/** The id of null: the key is absent. */
export const absent = 0;

/** Without those that did not happen and reads of unknown outcome: they say nothing. */
export function observable(all: readonly Operation[]): Operation[] {
  return all.filter(({ op, outcome }) => outcome !== "none" && (op !== "get" || outcome === "ok"));
}

/** Place i of each column is of operation i. It throws RangeError for an append, which has no value of its own. */
export class ColumnarHistory {
  readonly operations: readonly Operation[];
  readonly kind: Uint8Array;
  readonly call: Float64Array;
  /** Infinity where the outcome is unknown. */
  readonly end: Float64Array;
  /** What was read or is written. */
  readonly value: Int32Array;
  /** What a cas expects; else `absent`. */
  readonly expected: Int32Array;
  readonly valueCount: number;
  readonly hasDeletes: boolean;
  readonly mismatches: readonly number[];

  /** `operations` are `telling`. */
  constructor(operations: readonly Operation[]) {
    const count = operations.length;
    this.operations = operations;
    this.kind = new Uint8Array(count);
    this.call = new Float64Array(count);
    this.end = new Float64Array(count);
    this.value = new Int32Array(count);
    this.expected = new Int32Array(count);
    const ids = new Map<string | null, number>([[null, absent]]);
    const idOf = (value: string | null): number => {
      let id = ids.get(value);
      if (id === undefined) ids.set(value, (id = ids.size));
      return id;
    };
    const mismatches: number[] = [];
    let hasDeletes = false;
    for (let i = 0; i < count; i++) {
      const operation = operations[i]!;
      this.call[i] = operation.call;
      this.end[i] = operation.return ?? Infinity;
      if (operation.op === "cas") {
        const isMismatch = operation.outcome === "mismatch";
        if (isMismatch) mismatches.push(i);
        this.kind[i] = isMismatch ? kinds.mismatch : kinds.cas;
        this.expected[i] = idOf(operation.value[0]);
        this.value[i] = idOf(operation.value[1]);
      } else {
        if (operation.op === "append") throw new RangeError("an append has no place in a column");
        if (operation.op === "delete") hasDeletes = true;
        this.kind[i] = kinds[operation.op];
        this.value[i] = idOf(operation.value);
      }
    }
    this.valueCount = ids.size;
    this.hasDeletes = hasDeletes;
    this.mismatches = mismatches;
  }

  get length(): number {
    return this.operations.length;
  }

  isWrite(i: number): boolean {
    return this.kind[i] === kinds.put || this.kind[i] === kinds.cas;
  }
}
