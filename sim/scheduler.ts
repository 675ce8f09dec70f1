/**
 * Virtual time, and the only "what next": one heap of events ordered by (time, tie, insertion). Ties are keyed hashes of
 * what the event is, so that the order of simultaneous events does not hang on who was scheduled first.
 */
import { assert } from "../core/assert.ts";
import type { Micros } from "../core/units.ts";
import { queueOfEventsMustBeBounded } from "./laws/limits.ts";

/** Takes events; `code` and `payload` mean what the target says they mean. */
export interface Target {
  on(code: number, payload: unknown): void;
}

/** An event that has not come yet. */
export type Waiting = {
  readonly time: Micros;
  readonly target: Target;
  readonly code: number;
  readonly payload: unknown;
};

type Event = { time: Micros; tie: number; order: number; target: Target | null; code: number; payload: unknown };

/** The clock and the queue of one run. Time moves only from one event to the next, and never back. */
export class Scheduler {
  #now: Micros = 0;
  #order = 0;
  #heap: Event[] = [];
  readonly #pool: Event[] = [];
  /** Events taken from the queue so far. */
  events = 0;

  get now(): Micros {
    return this.#now;
  }

  get length(): number {
    return this.#heap.length;
  }

  /** All that is queued, in the order in which it comes: for somebody who looks at a run that stands still. */
  get waiting(): Waiting[] {
    return this.#heap
      .toSorted((a, b) => (before(a, b) ? -1 : 1))
      .map(({ time, target, code, payload }) => ({ time, target: target!, code, payload }));
  }

  at(time: Micros, tie: number, target: Target, code: number, payload: unknown): void {
    assert(time >= this.#now, "nothing happens in the past");
    queueOfEventsMustBeBounded(this.#heap.length);
    const event = this.#pool.pop() ?? { time: 0, tie: 0, order: 0, target: null, code: 0, payload: null };
    event.time = time;
    event.tie = tie;
    event.order = this.#order++;
    event.target = target;
    event.code = code;
    event.payload = payload;
    this.#heap.push(event);
    this.#up(this.#heap.length - 1);
  }

  /** Takes the next event if it lies at or before `until`, and lets `note` see it first; false where there is none. */
  step(until: Micros, note: (time: Micros, tie: number, code: number) => void): boolean {
    const event = this.#heap[0];
    if (event === undefined || event.time > until) return false;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
    this.#now = event.time;
    this.events += 1;
    const { target, code, payload } = event;
    note(event.time, event.tie, code);
    event.target = null;
    event.payload = null;
    this.#pool.push(event);
    assert(target !== null, "a queued event has a target");
    target.on(code, payload);
    return true;
  }

  /** Time passes to `until` where nothing is left before it. */
  idleUntil(until: Micros): void {
    this.#now = Math.max(this.#now, until);
  }

  #up(from: number): void {
    const heap = this.#heap;
    const event = heap[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #down(from: number): void {
    const heap = this.#heap;
    const event = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, event)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = event;
  }
}

function before(a: Event, b: Event): boolean {
  if (a.time !== b.time) return a.time < b.time;
  if (a.tie !== b.tie) return a.tie < b.tie;
  return a.order < b.order;
}
