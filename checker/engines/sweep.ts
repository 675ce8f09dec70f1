/**
 * The order of blocks, deletes and reads of an absent key: absence repeats, so the state goes through it again and again.
 *
 * A block with F < S (earliest return, latest call; see zones.ts) holds the state from F to S: it is frozen. Nothing
 * else stands inside, so an operation that returns inside must stand before it. Two frozen blocks that overlap
 * contradict each other, and so do a frozen block and an interval inside it. All the rest are points, each in a window
 * of its own: blocks with F >= S, deletes, reads of absence. One sweep in the order of time, with the state absent,
 * present or frozen, puts each point as late as it may be, unless it is free earlier. By exchange nothing is lost:
 *
 * - a read of absence is free whenever the key is absent;
 * - a block is free whenever the key is present (it is present after it), and just before a write or delete that stands anyway;
 * - absent is never worse than present: whatever can go on from present can go on from absent;
 * - so a delete is used when absence is needed and not there, or at its own deadline; of those that may be used the one with
 *   the earliest deadline goes first, for a later one can stand wherever that could;
 * - a block that begins with a compare-and-set from absent needs absence and ends it: it is free just before absence ends anyway.
 */
import { type Blocks, contradicting, type Ordered } from "./blocks.ts";
import { kinds } from "./columnar-history.ts";
import { Heap } from "./heap.ts";
import { lowerBound } from "./sorting.ts";

/** What is put in order: 0..blocks.count - 1 are blocks, those after it single operations. */
type Item = number;

const ranks = { thaw: 0, open: 1, deadline: 2, freeze: 3 } as const;
const absence = { absent: 0, present: 1, frozen: 2 } as const;
const sorts = { fromAbsent: 0, block: 1, read: 2, delete: 3 } as const;

class Sweep {
  readonly order: Item[] = [];
  readonly #blocks: Blocks;
  readonly #sort: Uint8Array;
  readonly #placed: Uint8Array;
  readonly #deletes: Heap;
  readonly #fromAbsent: Heap;
  #openBlocks: Item[] = [];
  #openReads: Item[] = [];
  #state: (typeof absence)[keyof typeof absence] = absence.absent;

  constructor(blocks: Blocks, deadline: Float64Array, sort: Uint8Array) {
    this.#blocks = blocks;
    this.#sort = sort;
    this.#placed = new Uint8Array(deadline.length);
    this.#deletes = new Heap(deadline);
    this.#fromAbsent = new Heap(deadline);
  }

  #place(item: Item): void {
    this.#placed[item] = 1;
    this.order.push(item);
  }

  /** The window of a point opens. */
  open(item: Item): void {
    const sort = this.#sort[item];
    if (sort === sorts.delete) this.#deletes.push(item);
    else if (sort === sorts.fromAbsent) this.#fromAbsent.push(item);
    else if (sort === sorts.read) {
      if (this.#state === absence.absent) this.#place(item);
      else this.#openReads.push(item);
    } else if (this.#state === absence.present) this.#place(item);
    else this.#openBlocks.push(item);
  }

  /** The window of a point closes: it stands now, if it does not yet. False: it cannot. */
  close(item: Item): boolean {
    if (this.#placed[item] === 1) return true;
    const sort = this.#sort[item];
    if (sort === sorts.delete) this.#delete(item);
    else if (sort === sorts.block) {
      this.#lastUseOfAbsence();
      this.#present();
    } else {
      if (!this.#needAbsence()) return false;
      if (sort === sorts.fromAbsent) {
        this.#place(item);
        this.#present();
      }
    }
    return true;
  }

  /** A frozen block begins. */
  freeze(item: Item): boolean {
    if (this.#sort[item] === sorts.fromAbsent) {
      if (!this.#needAbsence()) return false;
    } else {
      this.#lastUseOfAbsence();
      this.#present();
    }
    this.#place(item);
    this.#state = absence.frozen;
    return true;
  }

  thaw(): void {
    this.#present();
  }

  /** Absence is about to end, or to begin again: one block that needs it goes now for nothing. */
  #lastUseOfAbsence(): void {
    if (this.#state !== absence.absent) return;
    const item = this.#first(this.#fromAbsent);
    if (item === undefined) return;
    this.#place(item);
    this.#present();
  }

  #first(heap: Heap): Item | undefined {
    while (heap.first !== undefined && this.#placed[heap.first] === 1) heap.shift();
    return heap.first;
  }

  #present(): void {
    this.#state = absence.present;
    for (const item of this.#openBlocks) if (this.#placed[item] === 0) this.#place(item);
    this.#openBlocks = [];
  }

  #delete(item: Item): void {
    this.#lastUseOfAbsence();
    this.#present();
    this.#place(item);
    this.#state = absence.absent;
    for (const read of this.#openReads) if (this.#placed[read] === 0) this.#place(read);
    this.#openReads = [];
  }

  #needAbsence(): boolean {
    if (this.#state === absence.absent) return true;
    const item = this.#first(this.#deletes);
    if (item === undefined) return false;
    this.#delete(item);
    return true;
  }

  get blocks(): Blocks {
    return this.#blocks;
  }
}

/** The frozen blocks, which are in order and apart. */
class Ice {
  readonly #from: Float64Array;
  readonly #to: Float64Array;
  readonly blocks: readonly number[];

  constructor({ firstEnd, lastCall }: Blocks, frozen: readonly number[]) {
    this.blocks = frozen;
    this.#from = Float64Array.from(frozen, (block) => firstEnd[block]!);
    this.#to = Float64Array.from(frozen, (block) => lastCall[block]!);
  }

  /** The frozen block that holds `time` strictly inside, by its place in `blocks`; -1: none. */
  around(time: number): number {
    const at = lowerBound(this.#from, time) - 1;
    return at >= 0 && this.#to[at]! > time ? at : -1;
  }

  /** The latest moment outside that is not after `time`. */
  before(time: number): number {
    const at = this.around(time);
    return at === -1 ? time : this.#from[at]!;
  }
}

/** All operations that are in some order, in it; or why there is none. */
export function orderWithAbsence(blocks: Blocks): Ordered {
  const { column, firstEnd, lastCall, count } = blocks;
  const frozen: number[] = [];
  for (let k = 0; k < count; k++) if (firstEnd[k]! < lastCall[k]!) frozen.push(k);
  frozen.sort((a, b) => firstEnd[a]! - firstEnd[b]!);
  for (let k = 1; k < frozen.length; k++) {
    const [a, b] = [frozen[k - 1]!, frozen[k]!];
    if (firstEnd[b]! < lastCall[a]!) return contradicting("zones", [...extremes(blocks, a), ...extremes(blocks, b)]);
  }
  const ice = new Ice(blocks, frozen);
  const single: number[] = [];
  for (let i = 0; i < column.length; i++) {
    if (column.kind[i] === kinds.delete || (column.kind[i] === kinds.get && column.value[i] === 0)) single.push(i);
  }
  const items = count + single.length;
  const [opens, deadline, sort] = [new Float64Array(items), new Float64Array(items), new Uint8Array(items)];
  for (let item = 0; item < items; item++) {
    const i = item < count ? blocks.root[item]! : single[item - count]!;
    opens[item] = item < count ? lastCall[item]! : column.call[i]!;
    deadline[item] = item < count ? firstEnd[item]! : column.end[i]!;
    const kind = column.kind[i];
    if (item < count) sort[item] = kind === kinds.cas ? sorts.fromAbsent : sorts.block;
    else sort[item] = kind === kinds.delete ? sorts.delete : sorts.read;
    if (opens[item]! > deadline[item]!) continue;
    deadline[item] = ice.before(deadline[item]!);
    if (opens[item]! <= deadline[item]!) continue;
    const around = ice.blocks[ice.around(item < count ? lastCall[item]! : column.call[i]!)]!;
    const own = item < count ? extremes(blocks, item) : [i];
    return contradicting(item < count ? "zones" : "null", [...extremes(blocks, around), ...own]);
  }
  return run(new Sweep(blocks, deadline, sort), single, opens, deadline);
}

function extremes({ firstEndOf, lastCallOf }: Blocks, block: number): number[] {
  return [...new Set([firstEndOf[block]!, lastCallOf[block]!])];
}

function run(sweep: Sweep, single: readonly number[], opens: Float64Array, deadline: Float64Array): Ordered {
  const { blocks } = sweep;
  const { count, firstEnd, lastCall } = blocks;
  // Events: an item and which of its two, the earlier (0) or the later (1).
  const events: number[] = [];
  const [time, rank] = [new Float64Array(2 * opens.length), new Uint8Array(2 * opens.length)];
  for (let item = 0; item < opens.length; item++) {
    const isFrozen = item < count && firstEnd[item]! < lastCall[item]!;
    time[2 * item] = isFrozen ? firstEnd[item]! : opens[item]!;
    time[2 * item + 1] = isFrozen ? lastCall[item]! : deadline[item]!;
    rank[2 * item] = isFrozen ? ranks.freeze : ranks.open;
    rank[2 * item + 1] = isFrozen ? ranks.thaw : ranks.deadline;
    events.push(2 * item);
    if (time[2 * item + 1]! !== Infinity) events.push(2 * item + 1);
  }
  events.sort((a, b) => time[a]! - time[b]! || rank[a]! - rank[b]!);
  for (const event of events) {
    const item = event >> 1;
    let stands = true;
    if (rank[event] === ranks.open) sweep.open(item);
    else if (rank[event] === ranks.deadline) stands = sweep.close(item);
    else if (rank[event] === ranks.freeze) stands = sweep.freeze(item);
    else sweep.thaw();
    if (!stands) return contradicting("null", item < count ? extremes(blocks, item) : [single[item - count]!]);
  }
  const order: number[] = [];
  for (const item of sweep.order) {
    if (item < count) blocks.emit(item, (operation) => order.push(operation));
    else order.push(single[item - count]!);
  }
  return { ok: true, order: Int32Array.from(order) };
}
