/** Small numbers for the keys of states. */
export class States {
  readonly #kept = new Map<string, number>();
  readonly #new = new Map<string, number>();
  #isKept = false;
  #next = 0;

  idOf(key: string): number {
    const known = this.#kept.get(key) ?? this.#new.get(key);
    if (known !== undefined) return known;
    const id = this.#next++;
    (this.#isKept ? this.#new : this.#kept).set(key, id);
    return id;
  }

  /** How many were given. */
  get count(): number {
    return this.#next;
  }

  /** Those since `keep`. */
  get countNew(): number {
    return this.#new.size;
  }

  /** What is known by now stays known. */
  keep(): void {
    this.#isKept = true;
  }

  /** All since `keep` is forgotten: who comes again gets another number. */
  forget(): void {
    this.#new.clear();
  }

  /** That one is not forgotten after all. */
  remember(key: string, id: number): void {
    if (!this.#kept.has(key)) this.#new.set(key, id);
  }
}
