/** Work that several ask for, each piece of which is done once. Who finds a piece under way does another one meanwhile. */
export class Shared<Key, Value> {
  readonly #work: (key: Key) => Promise<Value>;
  readonly #begun = new Map<Key, Promise<Value>>();
  readonly #done = new Set<Key>();

  constructor(work: (key: Key) => Promise<Value>) {
    this.#work = work;
  }

  /** `later`: what will be asked for next, most likely. */
  async get(key: Key, later: readonly Key[]): Promise<Value> {
    if (this.#begun.has(key) && !this.#done.has(key)) {
      const next = later.find((one) => !this.#begun.has(one));
      if (next !== undefined) await this.#begin(next);
    }
    return this.#begun.get(key) ?? this.#begin(key);
  }

  #begin(key: Key): Promise<Value> {
    const work = this.#work(key).then((value) => {
      this.#done.add(key);
      return value;
    });
    this.#begun.set(key, work);
    return work;
  }
}
