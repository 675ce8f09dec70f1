/** A binary heap of integers, the one with the least key first. */
export class Heap {
  readonly #items: number[] = [];
  readonly #keys: Float64Array;

  constructor(keys: Float64Array) {
    this.#keys = keys;
  }

  get first(): number | undefined {
    return this.#items[0];
  }

  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#keys[items[parent]!]! <= this.#keys[item]!) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  shift(): void {
    const items = this.#items;
    const item = items.pop();
    if (item === undefined || items.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#keys[items[child + 1]!]! < this.#keys[items[child]!]!) child += 1;
      if (this.#keys[items[child]!]! >= this.#keys[item]!) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
  }
}
