/**
 * Sets of slots (small numbers), each made once: equal sets are the same object, so comparing two, and adding or removing a
 * slot that was added or removed before, is one step. They are a tree of their members in ascending order.
 */
export class SlotSet {
  /** Differs between the sets of one family. */
  readonly id: number;
  readonly #last: number;
  readonly #rest: SlotSet | null;
  readonly #family: { count: number };
  readonly #with: (SlotSet | undefined)[] = [];
  readonly #without: (SlotSet | undefined)[] = [];

  private constructor(last: number, rest: SlotSet | null, family: { count: number }) {
    this.#last = last;
    this.#rest = rest;
    this.#family = family;
    this.id = family.count++;
  }

  /** The empty set of a new family. */
  static empty(): SlotSet {
    return new SlotSet(-1, null, { count: 0 });
  }

  /** How many sets of the family were made. */
  get made(): number {
    return this.#family.count;
  }

  has(slot: number): boolean {
    return slot < this.#last ? this.#rest!.has(slot) : slot === this.#last;
  }

  /** `slot` is not in it. */
  with(slot: number): SlotSet {
    return (this.#with[slot] ??=
      slot > this.#last ? new SlotSet(slot, this, this.#family) : this.#rest!.with(slot).with(this.#last));
  }

  /** `slot` is in it. */
  without(slot: number): SlotSet {
    return (this.#without[slot] ??= slot === this.#last ? this.#rest! : this.#rest!.without(slot).with(this.#last));
  }

  /** The same set in the family of `empty`. */
  movedTo(empty: SlotSet): SlotSet {
    return this.#rest === null ? empty : this.#rest.movedTo(empty).with(this.#last);
  }
}
