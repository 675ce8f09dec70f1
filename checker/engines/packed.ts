/**
 * The general engine's search (general.ts) for histories of few values and few clients, which are decided again and again
 * while a core is looked for: a configuration is one small number, a state and a bit for each open operation that has taken
 * effect. It never looks ahead, so that an illegal history also tells, without another search,
 *
 * - its shortest illegal prefix: no configuration was left at `at`, and some were just before;
 * - which observers are idle: where every configuration has one by the time it returns, all are the same without it.
 */
import type { Operation } from "../history.ts";
import { ColumnarHistory, kinds } from "./columnar-history.ts";
import { sortedBy } from "./sorting.ts";

/** How an operation takes part in a search. Pending: it is called, and never returns. */
export const parts = { out: 0, in: 1, pending: 2 } as const;

/** Operations by their places. `at`: when it was to return no configuration was left; `isIdle`: 1 for the observers that can go. */
export type PackedFound =
  | { readonly verdict: "ok" }
  | { readonly verdict: "illegal"; readonly at: number; readonly isIdle: Uint8Array }
  /** More configurations at one time than this engine holds. */
  | { readonly verdict: "unknown" };

/** Bits of a small integer of V8. */
const bitsMax = 30;
/** At one time; they are looked through one by one. */
const configurationsMax = 128;
const nobody = -1;

/** The operations of one key, made ready to search any part of them. */
export class PackedHistory {
  readonly #column: ColumnarHistory;
  /** Calls (+i + 1) and returns (-i - 1) in order of time, calls first. */
  readonly #events: Int32Array;
  /** Bits below the state: as many as operations can be open at one time. */
  readonly #slotBits: number;

  private constructor(column: ColumnarHistory, events: Int32Array, slotBits: number) {
    this.#column = column;
    this.#events = events;
    this.#slotBits = slotBits;
  }

  /** `operations` are observable, without appends and without revisions. Null: a configuration would not be a small number. */
  static of(operations: readonly Operation[]): PackedHistory | null {
    const column = new ColumnarHistory(operations);
    const count = column.length;
    const times = new Float64Array(2 * count);
    times.set(column.call);
    times.set(column.end, count);
    const order = sortedBy(times, (k) => k < count).filter((k) => times[k] !== Infinity);
    const events = order.map((k) => (k < count ? k + 1 : count - k - 1));
    let [open, openMax] = [0, 0];
    for (const event of events) {
      open += event > 0 ? 1 : -1;
      openMax = Math.max(openMax, open);
    }
    const fits = openMax + Math.ceil(Math.log2(column.valueCount)) <= bitsMax;
    return fits ? new PackedHistory(column, events, openMax) : null;
  }

  /** `takes`: one of `parts` for each operation. */
  search(takes: Uint8Array): PackedFound {
    const search = new Search(this.#column, this.#slotBits);
    for (const event of this.#events) {
      const i = event > 0 ? event - 1 : -event - 1;
      if (takes[i] === parts.out) continue;
      if (event > 0) search.call(i, takes[i] === parts.pending || this.#column.end[i] === Infinity);
      else if (takes[i] === parts.in) {
        if (!search.return(i)) return { verdict: "unknown" };
        if (search.configurations.length === 0) return { verdict: "illegal", at: i, isIdle: search.isIdle };
      }
    }
    return { verdict: "ok" };
  }
}

class Search {
  /** The state above the bits of what has taken effect. The key is absent at first. */
  configurations: number[] = [0];
  /** 1: an observer that has returned, and that all configurations had by then. */
  readonly isIdle: Uint8Array;
  readonly #column: ColumnarHistory;
  readonly #slotBits: number;
  /** By slot: who is open, `nobody` where it is free. */
  readonly #open: number[] = [];
  readonly #bitOf: Int32Array;
  /** Open reads by the value that they fit, and open failed compare-and-sets by the value that they do not fit. */
  readonly #reads: Int32Array;
  readonly #mismatches: Int32Array;
  #allMismatches = 0;
  /** The operations of unknown outcome; by slot, the previous operation of the same effect, which is used first. */
  #pending = 0;
  readonly #earlier: number[] = [];
  readonly #latestOf = new Map<number, number>();

  constructor(column: ColumnarHistory, slotBits: number) {
    this.#column = column;
    this.#slotBits = slotBits;
    this.isIdle = new Uint8Array(column.length);
    this.#bitOf = new Int32Array(column.length);
    this.#reads = new Int32Array(column.valueCount);
    this.#mismatches = new Int32Array(column.valueCount);
  }

  call(i: number, isPending: boolean): void {
    const free = this.#open.indexOf(nobody);
    const slot = free === -1 ? this.#open.length : free;
    const bit = 1 << slot;
    this.#open[slot] = i;
    this.#earlier[slot] = 0;
    this.#bitOf[i] = bit;
    const { kind, value, expected, valueCount } = this.#column;
    if (this.#isObserver(i)) {
      if (kind[i] === kinds.get) this.#reads[value[i]!]! |= bit;
      else {
        this.#mismatches[expected[i]!]! |= bit;
        this.#allMismatches |= bit;
      }
      for (let k = 0; k < this.configurations.length; k++)
        this.configurations[k] = this.#settled(this.configurations[k]!);
    } else if (isPending) {
      const effect = (kind[i]! * valueCount + expected[i]!) * valueCount + value[i]!;
      this.#earlier[slot] = this.#latestOf.get(effect) ?? 0;
      this.#latestOf.set(effect, bit);
      this.#pending |= bit;
    }
  }

  /** False: there are too many configurations to go on. */
  return(i: number): boolean {
    const bit = this.#bitOf[i]!;
    const isDone = this.configurations.every((one) => (one & bit) !== 0);
    if (!isDone && !this.#extend(bit)) return false;
    if (isDone && this.#isObserver(i)) this.isIdle[i] = 1;
    this.configurations = this.configurations.map((one) => one & ~bit);
    this.#open[31 - Math.clz32(bit)] = nobody;
    const { kind, value, expected } = this.#column;
    if (kind[i] === kinds.get) this.#reads[value[i]!]! &= ~bit;
    else if (kind[i] === kinds.mismatch) {
      this.#mismatches[expected[i]!]! &= ~bit;
      this.#allMismatches &= ~bit;
    }
    return true;
  }

  #isObserver(i: number): boolean {
    return this.#column.kind[i] === kinds.get || this.#column.kind[i] === kinds.mismatch;
  }

  /** With all observers whose answers fit: they take effect at once. */
  #settled(one: number): number {
    const state = one >>> this.#slotBits;
    return one | this.#reads[state]! | (this.#allMismatches & ~this.#mismatches[state]!);
  }

  /** Leaves all configurations that have `bit`, by whatever may take effect before it. False: there are too many. */
  #extend(bit: number): boolean {
    const next: number[] = [];
    const seen: number[] = [];
    for (const one of this.configurations) this.#add((one & bit) === 0 ? seen : next, one);
    for (let k = 0; k < seen.length; k++) {
      const from = seen[k]!;
      for (let slot = 0; slot < this.#open.length; slot++) {
        const to = this.#after(from, slot);
        if (to !== from) this.#add((to & bit) === 0 ? seen : next, to);
      }
      if (seen.length + next.length > configurationsMax) return false;
    }
    this.configurations = next;
    return true;
  }

  /** What becomes of a configuration when who is in this slot takes effect; the same one where that cannot be, or is of no use. */
  #after(from: number, slot: number): number {
    const i = this.#open[slot]!;
    const bit = 1 << slot;
    if (i === nobody || (from & bit) !== 0 || this.#isObserver(i)) return from;
    const { kind, value, expected } = this.#column;
    const state = from >>> this.#slotBits;
    if (kind[i] === kinds.cas && expected[i] !== state) return from;
    if ((this.#pending & bit) !== 0 && (value[i] === state || (from & this.#earlier[slot]!) !== this.#earlier[slot]!))
      return from;
    const done = from & ((1 << this.#slotBits) - 1);
    return this.#settled((value[i]! << this.#slotBits) | done | bit);
  }

  /** Adds `one`, unless `all` holds a configuration that is the same but for a subset of the pending operations. */
  #add(all: number[], one: number): void {
    for (const other of all) if (((other ^ one) & ~this.#pending) === 0 && (other & ~one) === 0) return;
    all.push(one);
  }
}
