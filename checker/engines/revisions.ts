/**
 * Histories whose answers all tell a revision: these order everything that was answered, so one walk decides. Operations of
 * unknown outcome are put in where an answer shows that they happened, as late as possible: that binds the others least.
 */
import type { Contradiction, Ordered } from "./blocks.ts";
import type { Operation } from "../history.ts";
import { absent, type ColumnarHistory, kinds } from "./columnar-history.ts";

/** The rank of each operation by its revision, -1 where it has told none; null: nobody has. Equal ranks may go in any order. */
export function ranksOf(operations: readonly Operation[]): {
  readonly ranks: Int32Array | null;
  readonly isComplete: boolean;
} {
  const told: { readonly i: number; readonly revision: number; readonly isObserver: boolean }[] = [];
  let isComplete = true;
  for (const [i, { op, outcome, revision }] of operations.entries()) {
    if (outcome === "unknown") continue;
    if (revision === undefined) isComplete = false;
    else told.push({ i, revision, isObserver: op === "get" || outcome === "mismatch" });
  }
  if (told.length === 0) return { ranks: null, isComplete };
  told.sort((a, b) => a.revision - b.revision || Number(a.isObserver) - Number(b.isObserver));
  const ranks = new Int32Array(operations.length).fill(-1);
  let rank = -1;
  for (const [k, { i, revision, isObserver }] of told.entries()) {
    const before = told[k - 1];
    if (before?.revision !== revision || before.isObserver !== isObserver) rank += 1;
    ranks[i] = rank;
  }
  return { ranks, isComplete };
}

class Walk {
  readonly order: number[] = [];
  contradiction: Contradiction | null = null;
  readonly #column: ColumnarHistory;
  readonly #writer: Int32Array;
  readonly #used: Uint8Array;
  /** Deletes, and writes that nobody observes, of unknown outcome; the earliest called one last. */
  readonly #deletes: number[];
  readonly #unseen: number[];
  /** A failed compare-and-set that expected what the key holds, and those behind it: they wait for it to change. */
  readonly #waiting: number[] = [];
  #state = absent;
  #latest = -Infinity;
  #latestOf = -1;

  constructor(column: ColumnarHistory, writer: Int32Array) {
    this.#column = column;
    this.#writer = writer;
    this.#used = new Uint8Array(column.length);
    const { kind, value, expected, end, call } = column;
    const seen = new Uint8Array(column.valueCount);
    for (let i = 0; i < column.length; i++) {
      if (kind[i] === kinds.get) seen[value[i]!] = 1;
      if (kind[i] === kinds.cas) seen[expected[i]!] = 1;
    }
    const unknown = [...kind.keys()].filter((i) => end[i] === Infinity).toSorted((a, b) => call[b]! - call[a]!);
    this.#deletes = unknown.filter((i) => kind[i] === kinds.delete);
    this.#unseen = unknown.filter((i) => kind[i] === kinds.put && seen[value[i]!] === 0);
  }

  /** Appends `i` to the order. False: it returned before an operation that stands before it was called. */
  #put(i: number): boolean {
    const { kind, call, end, value, expected } = this.#column;
    if (end[i]! < this.#latest) {
      this.contradiction ??= { kind: "revisions", operations: [this.#latestOf, i] };
      return false;
    }
    if (call[i]! > this.#latest) [this.#latest, this.#latestOf] = [call[i]!, i];
    this.#used[i] = 1;
    this.order.push(i);
    if (kind[i] === kinds.get || kind[i] === kinds.mismatch) return true;
    this.#state = value[i]!;
    // In the order of their ranks.
    while (this.#waiting.length > 0 && expected[this.#waiting[0]!] !== this.#state) {
      if (!this.#put(this.#waiting.shift()!)) return false;
    }
    return true;
  }

  /** Puts in what is unknown until the key holds `wanted`, which `answer` shows; false: nothing does that. */
  #reach(wanted: number, answer: number): boolean {
    const { kind, end, expected } = this.#column;
    const chain: number[] = [];
    for (let state = wanted; state !== this.#state;) {
      const next = state === absent ? this.#deletes.at(-1) : this.#writer[state]!;
      const isFree = next !== undefined && next !== -1 && end[next] === Infinity && this.#used[next] === 0;
      if (!isFree || chain.includes(next)) {
        this.contradiction ??= { kind: "revisions", operations: [...this.order.slice(-1), answer] };
        return false;
      }
      if (state === absent) this.#deletes.pop();
      chain.push(next);
      if (kind[next] !== kinds.cas) break;
      state = expected[next]!;
    }
    return chain.toReversed().every((i) => this.#put(i));
  }

  /** Gives the waiting operations a change that no operation observes. False: there is none. */
  hide(): boolean {
    if (this.#waiting.length === 0) return true;
    const next = this.#unseen.pop() ?? (this.#state === absent ? undefined : this.#deletes.pop());
    return next !== undefined && this.#put(next) && this.#waiting.length === 0;
  }

  /** A write, with a rank of its own. False: no order explains it, or (without a contradiction) this walk finds none. */
  write(i: number): boolean {
    const { kind, expected } = this.#column;
    if (kind[i] !== kinds.cas) return this.hide() && this.#put(i);
    // What hides a value would hide it from this one too.
    return this.#reach(expected[i]!, i) && this.#waiting.length === 0 && this.#put(i);
  }

  /** Observers of one rank, in order of their calls: first those that fit what the key holds, then those of one other value. */
  observe(group: readonly number[]): boolean {
    const { kind, value, expected } = this.#column;
    const state = this.#state;
    const fits = (i: number): boolean => (kind[i] === kinds.get ? value[i] === state : expected[i] !== state);
    const isBehind = this.#waiting.length > 0;
    const free: number[] = [];
    const rest: number[] = [];
    for (const i of group) (fits(i) && !(isBehind && kind[i] === kinds.mismatch) ? free : rest).push(i);
    // A change would come before these reads.
    if (isBehind && free.length > 0) return false;
    if (!free.every((i) => this.#put(i))) return false;
    for (const i of rest) if (kind[i] === kinds.mismatch) this.#waiting.push(i);
    const reads = rest.filter((i) => kind[i] === kinds.get);
    if (reads.length === 0) return true;
    // Of several other values any may come first.
    if (reads.some((i) => value[i] !== value[reads[0]!])) return false;
    return this.#reach(value[reads[0]!]!, reads[0]!) && reads.every((i) => this.#put(i));
  }
}

/** The order that the revisions tell, why it cannot be, or null where this walk is not enough to say. `writer`: see blocks.ts. */
export function orderByRevisions(column: ColumnarHistory, ranks: Int32Array, writer: Int32Array): Ordered | null {
  const { call, kind, length } = column;
  const order = Array.from({ length }, (_, i) => i).filter((i) => ranks[i]! >= 0);
  order.sort((a, b) => ranks[a]! - ranks[b]! || call[a]! - call[b]!);
  const walk = new Walk(column, writer);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && ranks[order[to]!] === ranks[order[from]!]) to += 1;
    const first = order[from]!;
    const isWrite = kind[first] !== kinds.get && kind[first] !== kinds.mismatch;
    // Of two writes of one rank either may be the first.
    if (isWrite && to > from + 1) return null;
    const isTaken = isWrite ? walk.write(first) : walk.observe(order.slice(from, to));
    // With failed compare-and-sets, or several observers of one rank, another order may be right.
    if (!isTaken) {
      const { contradiction } = walk;
      const mayBeAnother = column.mismatches.length > 0 || to > from + 1;
      return mayBeAnother || contradiction === null ? null : { ok: false, contradiction };
    }
    from = to;
  }
  if (!walk.hide()) return null;
  return { ok: true, order: Int32Array.from(walk.order) };
}
