/**
 * Wing and Gong's search with Lowe's memo (Lowe 2017, "Testing for linearizability"): linearize any operation that
 * nothing still waiting precedes, undo where it leads nowhere, and never visit the same (set, state) twice.
 *
 * Two prunings, sound by exchange:
 * - an unknown put whose value nobody saw is left out: whoever stays sees the same without it. It could only hide a
 *   value, and nothing asks for that but a mismatch, so it stays where the key has one;
 * - unknown deletes are interchangeable, and so are unknown puts whose values nobody saw: only the earliest called one of
 *   each kind is tried at each step;
 * - revisions, where the store tells them, are an order: of two answers with revisions the lower comes first, and at
 *   equal ones the write. Whoever has told a revision waits for those before it.
 */
import type { Operation } from "./history.ts";

export type Found =
  | { readonly verdict: "ok"; readonly order: readonly Operation[] }
  | { readonly verdict: "illegal" }
  | { readonly verdict: "unknown"; readonly reason: string };

/** What the key holds after `operation`, or undefined where its answer cannot be given in `state`. */
export function apply(operation: Operation, state: string | null): string | null | undefined {
  const isOk = operation.outcome === "ok";
  switch (operation.op) {
    case "put":
      return operation.value;
    case "delete":
      return null;
    case "get":
      return operation.value === state ? state : undefined;
    case "cas":
      if (operation.value[0] === state) return operation.outcome === "mismatch" ? undefined : operation.value[1];
      return isOk ? undefined : state;
    default:
      return operation satisfies never;
  }
}

/** Those that matter: without what did not happen, unknown reads, and unknown puts of values that nobody saw. */
function relevant(operations: readonly Operation[]): Operation[] {
  const seen = seenValues(operations);
  const written = new Map<string, number>();
  const hidingHelps = operations.some((operation) => operation.outcome === "mismatch");
  for (const operation of operations) {
    if (operation.op === "put") written.set(operation.value, (written.get(operation.value) ?? 0) + 1);
  }
  return operations.filter((operation) => {
    if (operation.outcome === "none") return false;
    if (operation.outcome !== "unknown") return true;
    if (operation.op === "get") return false;
    return operation.op !== "put" || hidingHelps || seen.has(operation.value) || written.get(operation.value) !== 1;
  });
}

/** The rank of each operation by its revision; -1 where it has told none. Equal ranks may go in any order. */
function ranksOf(operations: readonly Operation[]): Int32Array {
  const told = operations.flatMap((operation, i) => {
    const { revision } = operation;
    if (revision === undefined || operation.return === null) return [];
    return [{ i, order: 2 * revision + (isWrite(operation) ? 0 : 1) }];
  });
  told.sort((a, b) => a.order - b.order);
  const ranks = new Int32Array(operations.length).fill(-1);
  let rank = -1;
  for (const [k, { i, order }] of told.entries()) {
    if (k === 0 || order !== told[k - 1]!.order) rank += 1;
    ranks[i] = rank;
  }
  return ranks;
}

function isWrite({ op, outcome }: Operation): boolean {
  return op !== "get" && outcome !== "mismatch";
}

/**
 * The classes of unknown operations of which only the earliest called one is tried, as bits: deletes, unseen puts, and
 * for each expected value the compare-and-sets to unseen values; 0: none.
 */
function classesOf(operations: readonly Operation[], seen: ReadonlySet<string | null>): Int32Array {
  const bitOf = new Map<string | null, number>();
  return Int32Array.from(operations, (operation) => {
    if (operation.return !== null) return 0;
    if (operation.op === "delete") return 1;
    if (operation.op === "put") return seen.has(operation.value) ? 0 : 2;
    if (operation.op !== "cas" || seen.has(operation.value[1])) return 0;
    const [expected] = operation.value;
    if (!bitOf.has(expected)) bitOf.set(expected, bitOf.size < 28 ? 4 << bitOf.size : 0);
    return bitOf.get(expected)!;
  });
}

/** Every value that an answer shows, or a compare-and-set asks for. */
function seenValues(operations: readonly Operation[]): Set<string | null> {
  const seen = new Set<string | null>();
  for (const operation of operations) {
    if (operation.op === "get" && operation.outcome === "ok") seen.add(operation.value);
    if (operation.op === "cas") seen.add(operation.value[0]);
  }
  return seen;
}

/** Stands for every value that nobody asks for: they are all alike. */
function hiddenValue(seen: ReadonlySet<string | null>): string {
  let value = "hidden";
  while (seen.has(value)) value += "'";
  return value;
}

/** Calls and returns in order of time, as a doubly linked list; at equal times calls come first. */
class Events {
  readonly next: Int32Array;
  readonly previous: Int32Array;
  /** Event k: +i + 1 the call of operation i, -i - 1 its return. Slot 0 is the head. */
  readonly kind: Int32Array;
  readonly callSlot: Int32Array;
  readonly returnSlot: Int32Array;

  constructor(operations: readonly Operation[]) {
    const events: { time: number; kind: number }[] = [];
    for (const [i, operation] of operations.entries()) {
      events.push({ time: operation.call, kind: i + 1 });
      if (operation.return !== null) events.push({ time: operation.return, kind: -i - 1 });
    }
    events.sort((a, b) => a.time - b.time || b.kind - a.kind);
    const slots = events.length + 1;
    this.next = new Int32Array(slots);
    this.previous = new Int32Array(slots);
    this.kind = new Int32Array(slots);
    this.callSlot = new Int32Array(operations.length);
    this.returnSlot = new Int32Array(operations.length);
    for (const [k, { kind }] of events.entries()) {
      const slot = k + 1;
      this.kind[slot] = kind;
      if (kind > 0) this.callSlot[kind - 1] = slot;
      else this.returnSlot[-kind - 1] = slot;
      this.previous[slot] = k;
      this.next[k] = slot;
    }
    this.next[slots - 1] = 0;
  }

  /** Takes the operation's call and return out of the list. */
  lift(operation: number): void {
    for (const slot of [this.callSlot[operation]!, this.returnSlot[operation]!]) {
      if (slot === 0) continue;
      this.next[this.previous[slot]!] = this.next[slot]!;
      if (this.next[slot] !== 0) this.previous[this.next[slot]!] = this.previous[slot]!;
    }
  }

  /** Puts them back, in the reverse order. */
  unlift(operation: number): void {
    for (const slot of [this.returnSlot[operation]!, this.callSlot[operation]!]) {
      if (slot === 0) continue;
      this.next[this.previous[slot]!] = slot;
      if (this.next[slot] !== 0) this.previous[this.next[slot]!] = slot;
    }
  }
}

/** Which operations with revisions are next: those of the lowest rank that is not used up. */
class Ranks {
  readonly #of: Int32Array;
  readonly #left: Int32Array;
  #current = 0;

  constructor(operations: readonly Operation[]) {
    this.#of = ranksOf(operations);
    this.#left = new Int32Array(operations.length + 1);
    for (const rank of this.#of) if (rank >= 0) this.#left[rank]! += 1;
  }

  mayGo(operation: number): boolean {
    const rank = this.#of[operation]!;
    return rank < 0 || rank === this.#current;
  }

  take(operation: number): void {
    const rank = this.#of[operation]!;
    if (rank >= 0) this.#left[rank]! -= 1;
    while (this.#left[this.#current] === 0 && this.#current < this.#of.length) this.#current += 1;
  }

  giveBack(operation: number): void {
    const rank = this.#of[operation]!;
    if (rank < 0) return;
    this.#left[rank]! += 1;
    this.#current = Math.min(this.#current, rank);
  }
}

type Step = {
  readonly operation: number;
  readonly before: string | null;
  readonly tried: number;
  /** No other choice was worth a try. */
  readonly forced: boolean;
};

/**
 * The operation that may be linearized now without a loss, or -1. An observer whose answer fits changes nothing, so it
 * goes as soon as it can. Where every answer has told its revision, so does the next write that fits: what an unknown
 * operation did just before it is overwritten, or was nothing.
 */
function forcedMove(
  operations: readonly Operation[],
  events: Events,
  ranks: Ranks,
  state: string | null,
  allRanked: boolean,
): number {
  for (let slot = events.next[0]!; slot !== 0 && events.kind[slot]! > 0; slot = events.next[slot]!) {
    const index = events.kind[slot]! - 1;
    const operation = operations[index]!;
    if (operation.return === null || !ranks.mayGo(index) || (isWrite(operation) && !allRanked)) continue;
    if (apply(operation, state) !== undefined) return index;
  }
  return -1;
}

/** Decides the operations of one key; the key is absent at first. */
export function search(all: readonly Operation[], configurationsMax: number): Found {
  const operations = relevant(all);
  const events = new Events(operations);
  const ranks = new Ranks(operations);
  const seen = seenValues(operations);
  const hidden = hiddenValue(seen);
  const classes = classesOf(operations, seen);
  const returned = operations.filter((operation) => operation.return !== null);
  const allRanked = returned.every((operation) => operation.revision !== undefined);
  let mustReturn = returned.length;
  const done = new Uint8Array(operations.length);
  const visited = new Set<string>();
  const stack: Step[] = [];
  let state: string | null = null;
  let slot = events.next[0]!;
  /** Bits: the classes of which one was tried at this step. */
  let tried = 0;
  let isFresh = true;
  while (mustReturn > 0) {
    const forced: number = isFresh ? forcedMove(operations, events, ranks, state, allRanked) : -1;
    isFresh = false;
    const kind = forced >= 0 ? forced + 1 : slot === 0 ? -1 : events.kind[slot]!;
    if (kind > 0) {
      const index = kind - 1;
      const operation = operations[index]!;
      const bit = classes[index]!;
      const isTried = bit !== 0 && (tried & bit) !== 0;
      tried |= bit;
      const result: string | null | undefined = isTried || !ranks.mayGo(index) ? undefined : apply(operation, state);
      const after: string | null | undefined =
        result === undefined || result === null || seen.has(result) ? result : hidden;
      // What is unknown and changes nothing need not have happened.
      const isIdle = operation.return === null && after === state;
      if (after !== undefined && !isIdle) {
        done[index] = 1;
        const configuration = forced >= 0 ? "" : configurationKey(done, after);
        if (forced >= 0 || !visited.has(configuration)) {
          if (visited.size >= configurationsMax) {
            return { verdict: "unknown", reason: `${configurationsMax} configurations visited without a decision` };
          }
          if (forced < 0) visited.add(configuration);
          stack.push({ operation: index, before: state, tried, forced: forced >= 0 });
          state = after;
          events.lift(index);
          ranks.take(index);
          if (operation.return !== null) mustReturn -= 1;
          slot = events.next[0]!;
          tried = 0;
          isFresh = true;
          continue;
        }
        done[index] = 0;
      }
      slot = events.next[slot]!;
      continue;
    }
    // A return whose operation is not linearized yet, or the end of the list: go back one step.
    const last = stack.pop();
    if (last === undefined) return { verdict: "illegal" };
    events.unlift(last.operation);
    ranks.giveBack(last.operation);
    done[last.operation] = 0;
    state = last.before;
    if (operations[last.operation]!.return !== null) mustReturn += 1;
    slot = last.forced ? 0 : events.next[events.callSlot[last.operation]!]!;
    tried = last.tried;
  }
  return { verdict: "ok", order: stack.map(({ operation }) => operations[operation]!) };
}

function configurationKey(done: Uint8Array, state: string | null): string {
  let bits = "";
  for (let i = 0; i < done.length; i += 16) {
    let word = 0;
    for (let k = 0; k < 16; k++) word = (word << 1) | (done[i + k] ?? 0);
    bits += String.fromCharCode(word);
  }
  return state === null ? bits : `${bits}=${state}`;
}
