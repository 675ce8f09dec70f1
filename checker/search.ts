/**
 * Wing and Gong's search with Lowe's memo (Lowe 2017, "Testing for linearizability"): linearize any operation that
 * nothing still waiting precedes, undo where it leads nowhere, and never visit the same (set, state) twice.
 *
 * Two prunings, sound by exchange:
 * - an unknown put whose value nobody saw is left out: whoever stays sees the same without it. It could only hide a
 *   value, and nothing asks for that but a mismatch, so it stays where the key has one;
 * - unknown deletes are interchangeable, so only the earliest called one is tried at each step.
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
  const seen = new Set<string | null>();
  const written = new Map<string, number>();
  const hidingHelps = operations.some((operation) => operation.outcome === "mismatch");
  for (const operation of operations) {
    if (operation.op === "get" && operation.outcome === "ok") seen.add(operation.value);
    if (operation.op === "cas") seen.add(operation.value[0]);
    if (operation.op === "put") written.set(operation.value, (written.get(operation.value) ?? 0) + 1);
  }
  return operations.filter((operation) => {
    if (operation.outcome === "none") return false;
    if (operation.outcome !== "unknown") return true;
    if (operation.op === "get") return false;
    return operation.op !== "put" || hidingHelps || seen.has(operation.value) || written.get(operation.value) !== 1;
  });
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

/** Decides the operations of one key; the key is absent at first. */
export function search(all: readonly Operation[], configurationsMax: number): Found {
  const operations = relevant(all);
  const events = new Events(operations);
  let mustReturn = operations.filter((operation) => operation.return !== null).length;
  const done = new Uint8Array(operations.length);
  const visited = new Set<string>();
  const stack: { operation: number; before: string | null; triedUnknownDelete: boolean }[] = [];
  let state: string | null = null;
  let slot = events.next[0]!;
  let triedUnknownDelete = false;
  while (mustReturn > 0) {
    const kind = slot === 0 ? -1 : events.kind[slot]!;
    if (kind > 0) {
      const operation = operations[kind - 1]!;
      const isUnknownDelete = operation.op === "delete" && operation.return === null;
      const after: string | null | undefined =
        isUnknownDelete && triedUnknownDelete ? undefined : apply(operation, state);
      triedUnknownDelete ||= isUnknownDelete;
      if (after !== undefined) {
        done[kind - 1] = 1;
        const configuration = configurationKey(done, after);
        if (!visited.has(configuration)) {
          if (visited.size >= configurationsMax) {
            return { verdict: "unknown", reason: `${configurationsMax} configurations visited without a decision` };
          }
          visited.add(configuration);
          stack.push({ operation: kind - 1, before: state, triedUnknownDelete });
          state = after;
          events.lift(kind - 1);
          if (operation.return !== null) mustReturn -= 1;
          slot = events.next[0]!;
          triedUnknownDelete = false;
          continue;
        }
        done[kind - 1] = 0;
      }
      slot = events.next[slot]!;
      continue;
    }
    // A return whose operation is not linearized yet, or the end of the list: go back one step.
    const last = stack.pop();
    if (last === undefined) return { verdict: "illegal" };
    events.unlift(last.operation);
    done[last.operation] = 0;
    state = last.before;
    const undone = operations[last.operation]!;
    if (undone.return !== null) mustReturn += 1;
    slot = events.next[events.callSlot[last.operation]!]!;
    triedUnknownDelete = last.triedUnknownDelete;
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
