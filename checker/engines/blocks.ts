/**
 * Histories in which every observed value has one writer. A successful compare-and-set directly follows the writer of
 * what it expects, so writes form chains; a chain with all reads of its values is a block, and nothing else stands inside
 * it: w0 R0 w1 R1 ... (a put without readers is a block too).
 *
 * An operation of unknown outcome happened if its value was read or expected, directly or along the chain behind it.
 * Any other can be left out: the history is linearizable with it exactly if it is without it, for no operation that
 * stays sees what it wrote. (Deletes are not decided here.) So nothing branches.
 *
 * A sequence extends the order of time iff each return is at or after every call before it in the sequence. Inside a
 * block the sequence is given, so that is a check; between blocks it is what zones.ts and sweep.ts decide.
 */
import { absent, type ColumnarHistory, kinds } from "./columnar-history.ts";

/** Why no order explains the key: these operations (indices into the column), alone, are proof enough. */
export type Contradiction = {
  readonly kind: "nobody-wrote" | "two-successors" | "order-in-chain" | "zones" | "null" | "revisions";
  /** The extremal ones; their writers, chains and what shows that unknown ones happened come with `evidence`. */
  readonly operations: readonly number[];
};

/** All that is in some order, in it; or why there is no order. */
export type Ordered =
  | { readonly ok: true; readonly order: Int32Array }
  | { readonly ok: false; readonly contradiction: Contradiction };

/** There is no order: `operations` alone are proof enough. */
export function contradicting(kind: Contradiction["kind"], operations: readonly number[]): Ordered {
  return { ok: false, contradiction: { kind, operations } };
}

const none = -1;

/** The blocks of one key's operations. Numbers of operations and of values are those of `column`. */
export class Blocks {
  readonly column: ColumnarHistory;
  /** Per value: its writer that happened, or -1; the next in its chain, or -1. */
  readonly writer: Int32Array;
  readonly successor: Int32Array;
  /** Per value, 1: an operation that happened reads or expects it. */
  readonly observed: Uint8Array;
  /** Readers by value: those of value v are readers[readerStart[v]..readerStart[v + 1]], in order of their calls. */
  readonly readers: Int32Array;
  readonly readerStart: Int32Array;
  /** Per block: its first write (-1: the initial value), the earliest return and the latest call in it, and whose they are. */
  readonly root: Int32Array;
  readonly firstEnd: Float64Array;
  readonly lastCall: Float64Array;
  readonly firstEndOf: Int32Array;
  readonly lastCallOf: Int32Array;
  count = 0;
  /** Per value: it is in some block. */
  readonly #standing: Uint8Array;
  contradiction: Contradiction | null = null;

  /**
   * `nullRepeats`: the key may be absent more than once, so that absence is no value with one writer: reads of it are in no
   * block, and a compare-and-set that expects it begins one.
   */
  constructor(column: ColumnarHistory, writer: Int32Array, nullRepeats: boolean) {
    this.column = column;
    this.writer = writer;
    const { valueCount, length } = column;
    this.successor = new Int32Array(valueCount).fill(none);
    this.observed = new Uint8Array(valueCount);
    this.#standing = new Uint8Array(valueCount);
    this.readerStart = new Int32Array(valueCount + 1);
    this.#observe();
    this.readers = this.#sortReaders();
    const blocksMax = length + 1;
    this.root = new Int32Array(blocksMax);
    this.firstEnd = new Float64Array(blocksMax);
    this.lastCall = new Float64Array(blocksMax);
    this.firstEndOf = new Int32Array(blocksMax);
    this.lastCallOf = new Int32Array(blocksMax);
    this.#chain(nullRepeats);
  }

  /** Whether operation `i` is a write that is in some block. */
  happened(i: number): boolean {
    return this.column.isWrite(i) && (this.column.end[i]! !== Infinity || this.observed[this.column.value[i]!] === 1);
  }

  #observe(): void {
    const { kind, value, expected, end, length } = this.column;
    const open: number[] = [];
    const see = (seen: number): void => {
      if (this.observed[seen] === 1) return;
      this.observed[seen] = 1;
      open.push(seen);
    };
    for (let i = 0; i < length; i++) {
      if (kind[i] === kinds.get) see(value[i]!);
      else if (kind[i] === kinds.cas && end[i] !== Infinity) see(expected[i]!);
    }
    while (open.length > 0) {
      const writer = this.writer[open.pop()!]!;
      if (writer !== none && kind[writer] === kinds.cas) see(expected[writer]!);
    }
  }

  #sortReaders(): Int32Array {
    const { kind, value, call, length } = this.column;
    const start = this.readerStart;
    for (let i = 0; i < length; i++) if (kind[i] === kinds.get) start[value[i]! + 1]! += 1;
    for (let v = 0; v < start.length - 1; v++) start[v + 1]! += start[v]!;
    const readers = new Int32Array(start.at(-1)!);
    const next = start.slice();
    for (let i = 0; i < length; i++) if (kind[i] === kinds.get) readers[next[value[i]!]!++] = i;
    for (let v = 0; v < start.length - 1; v++) {
      let sorted = true;
      for (let k = start[v]! + 1; k < start[v + 1]!; k++) sorted &&= call[readers[k - 1]!]! <= call[readers[k]!]!;
      if (!sorted) readers.subarray(start[v], start[v + 1]).sort((a, b) => call[a]! - call[b]! || a - b);
    }
    return readers;
  }

  #fail(kind: Contradiction["kind"], operations: readonly number[]): void {
    this.contradiction ??= { kind, operations: operations.filter((i) => i !== none) };
  }

  #chain(nullRepeats: boolean): void {
    const { kind, expected, value, length } = this.column;
    for (let i = 0; i < length; i++) {
      if (kind[i] !== kinds.cas || !this.happened(i) || (nullRepeats && expected[i] === absent)) continue;
      const other = this.successor[expected[i]!]!;
      if (other !== none) return this.#fail("two-successors", [other, i]);
      this.successor[expected[i]!] = i;
    }
    let inBlocks = 0;
    if (!nullRepeats) inBlocks += this.#walk(none);
    for (let i = 0; i < length && this.contradiction === null; i++) {
      const isRoot = kind[i] === kinds.put || (kind[i] === kinds.cas && nullRepeats && expected[i] === absent);
      if (isRoot && this.happened(i)) inBlocks += this.#walk(i);
    }
    if (this.contradiction !== null) return;
    // What is in no block hangs on a value that nobody wrote, or on a ring of compare-and-sets.
    let members = 0;
    for (let i = 0; i < length; i++) {
      if (kind[i] === kinds.get ? !(nullRepeats && value[i] === absent) : this.happened(i)) members += 1;
    }
    if (members !== inBlocks) this.#findOrphan(nullRepeats);
  }

  /** The first answer that rests on a value which is in no block. */
  #findOrphan(nullRepeats: boolean): void {
    const { kind, expected, value, end, length } = this.column;
    for (let i = 0; i < length; i++) {
      if (kind[i] !== kinds.get && (kind[i] !== kinds.cas || end[i] === Infinity)) continue;
      const needs = kind[i] === kinds.get ? value[i]! : expected[i]!;
      if (this.#standing[needs] === 0 && !(nullRepeats && needs === absent)) return this.#fail("nobody-wrote", [i]);
    }
  }

  /** Makes the block that begins with write `root`; how many operations it has. */
  #walk(root: number): number {
    const { value, call, end } = this.column;
    const block = this.count;
    let size = 0;
    let [latest, latestOf] = [-Infinity, none];
    let [earliest, earliestOf] = root === none ? [-Infinity, none] : [Infinity, none];
    for (let write = root, isFirst = true; isFirst || write !== none; isFirst = false) {
      const v = write === none ? absent : value[write]!;
      this.#standing[v] = 1;
      if (write !== none) {
        if (end[write]! < latest) return (this.#fail("order-in-chain", [latestOf, write]), 0);
        if (end[write]! < earliest) [earliest, earliestOf] = [end[write]!, write];
        if (call[write]! > latest) [latest, latestOf] = [call[write]!, write];
        size += 1;
      }
      const [from, to] = this.#readersOf(v, write);
      for (let k = from; k < to; k++) {
        const reader = this.readers[k]!;
        if (end[reader]! < latest) return (this.#fail("order-in-chain", [latestOf, reader]), 0);
        if (end[reader]! < earliest) [earliest, earliestOf] = [end[reader]!, reader];
      }
      if (to > from) {
        const last = this.readers[to - 1]!;
        if (call[last]! > latest) [latest, latestOf] = [call[last]!, last];
        size += to - from;
      }
      write = this.#next(v, write);
    }
    this.root[block] = root;
    this.firstEnd[block] = earliest;
    this.lastCall[block] = latest;
    this.firstEndOf[block] = earliestOf;
    this.lastCallOf[block] = latestOf;
    this.count += 1;
    return size;
  }

  /** Of a value that nobody observes there may be several writes: none has readers. */
  #readersOf(value: number, write: number): readonly [from: number, to: number] {
    if (write !== none && this.observed[value] === 0) return [0, 0];
    return [this.readerStart[value]!, this.readerStart[value + 1]!];
  }

  #next(value: number, write: number): number {
    return write !== none && this.observed[value] === 0 ? none : this.successor[value]!;
  }

  /** The operations of `block` in their order, handed to `take`. */
  emit(block: number, take: (operation: number) => void): void {
    let write = this.root[block]!;
    for (let isFirst = true; isFirst || write !== none; isFirst = false) {
      const v = write === none ? absent : this.column.value[write]!;
      if (write !== none) take(write);
      const [from, to] = this.#readersOf(v, write);
      for (let k = from; k < to; k++) take(this.readers[k]!);
      write = this.#next(v, write);
    }
  }
}

/**
 * Per value its one writer, or null where an observed value has several: then the history is not of this kind. Of values
 * that nobody observes it does not matter.
 */
export function uniqueWriters(column: ColumnarHistory): Int32Array | null {
  const { kind, value, expected, length, valueCount } = column;
  const writers = new Int32Array(valueCount).fill(none);
  const doubled = new Uint8Array(valueCount);
  let anyDoubled = false;
  for (let i = 0; i < length; i++) {
    if (!column.isWrite(i)) continue;
    const v = value[i]!;
    if (writers[v] !== none) {
      doubled[v] = 1;
      anyDoubled = true;
    }
    writers[v] = i;
  }
  if (!anyDoubled) return writers;
  for (let i = 0; i < length; i++) {
    if (kind[i] === kinds.get && doubled[value[i]!] === 1) return null;
    // Also what an unknown cas expects: whether that happened may depend on it.
    if (kind[i] === kinds.cas && doubled[expected[i]!] === 1) return null;
  }
  return writers;
}
