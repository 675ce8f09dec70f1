/** What the general engine holds: a state, and which of the open operations have taken effect in it. */
import type { SlotSet } from "./slots.ts";

/** The way back through a configuration's operations. */
export type Trail = { readonly operation: number; readonly before: Trail | null; readonly length: number };

/** Of each class of unknown operations how many were used: pairs (class, count), by class. */
export type Used = readonly number[];

/** One way in which the events so far can have happened (Lowe 2017). */
export type Configuration<State> = {
  readonly state: State;
  /** Equal for equal states. */
  readonly stateId: number;
  /** Slots of open operations that have taken effect. */
  readonly done: SlotSet;
  readonly used: Used;
  readonly trail: Trail | null;
};

/** The trail with one operation more, which has taken effect last. Shares what was before. */
export function longer(trail: Trail | null, operation: number): Trail {
  return { operation, before: trail, length: trail === null ? 1 : trail.length + 1 };
}

/** The operations in the order in which they took effect. */
export function trailOf(trail: Trail | null): number[] {
  const order: number[] = [];
  for (let at = trail; at !== null; at = at.before) order.push(at.operation);
  return order.toReversed();
}

/** How many of the class `wanted` were used; 0 where none was. */
export function usedOf(used: Used, wanted: number): number {
  for (let k = 0; k < used.length; k += 2) if (used[k] === wanted) return used[k + 1]!;
  return 0;
}

/** A copy with one more of the class `wanted`, still in order of the classes. */
export function withUse(used: Used, wanted: number): Used {
  const more: number[] = [];
  let isIn = false;
  for (let k = 0; k < used.length; k += 2) {
    if (!isIn && used[k]! > wanted) {
      more.push(wanted, 1);
      isIn = true;
    }
    const isIt = used[k] === wanted;
    more.push(used[k]!, used[k + 1]! + (isIt ? 1 : 0));
    isIn ||= isIt;
  }
  if (!isIn) more.push(wanted, 1);
  return more;
}

/** Whether `a` used nothing that `b` did not. */
function usesNoMore(a: Used, b: Used): boolean {
  if (a === b) return true;
  for (let k = 0; k < a.length; k += 2) if (usedOf(b, a[k]!) < a[k + 1]!) return false;
  return true;
}

/** So few are looked through one by one. */
const fewMax = 8;

/** A set in which of configurations that differ in what they used only the thriftiest stay. */
export class Configurations<State> {
  /** Of equal states and equal sets of what is done: once there are more than a few, by a number of both. */
  #groups: Map<number, Configuration<State>[]> | null = null;
  #few: Configuration<State>[] = [];
  #count = 0;

  get count(): number {
    return this.#groups === null ? this.#few.length : this.#count;
  }

  /** False: the set holds a configuration that is as good. */
  add(one: Configuration<State>): boolean {
    if (this.#groups === null && this.#few.length >= fewMax) this.#group();
    return this.#groups === null ? this.#addToFew(one) : this.#addTo(this.#groups, one);
  }

  #addToFew(one: Configuration<State>): boolean {
    let worse = 0;
    for (const other of this.#few) {
      if (!isAlike(other, one)) continue;
      if (usesNoMore(other.used, one.used)) return false;
      if (usesNoMore(one.used, other.used)) worse += 1;
    }
    if (worse > 0) this.#few = this.#few.filter((other) => !isAlike(other, one) || !usesNoMore(one.used, other.used));
    this.#few.push(one);
    return true;
  }

  #group(): void {
    const groups = new Map<number, Configuration<State>[]>();
    for (const one of this.#few) this.#addTo(groups, one);
    this.#groups = groups;
  }

  #addTo(groups: Map<number, Configuration<State>[]>, one: Configuration<State>): boolean {
    const key = one.done.id * 2 ** 26 + one.stateId + 1;
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, [one]);
      this.#count += 1;
      return true;
    }
    if (group.some(({ used }) => usesNoMore(used, one.used))) return false;
    const kept = group.filter(({ used }) => !usesNoMore(one.used, used));
    this.#count += kept.length + 1 - group.length;
    kept.push(one);
    groups.set(key, kept);
    return true;
  }

  list(): Configuration<State>[] {
    return this.#groups === null ? this.#few : [...this.#groups.values()].flat();
  }
}

function isAlike(a: Configuration<unknown>, b: Configuration<unknown>): boolean {
  return a.done === b.done && a.stateId === b.stateId;
}
