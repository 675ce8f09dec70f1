/** Lets readers in together and a writer alone, in the order in which they come. */
export class Gate {
  readonly #queue: { readonly alone: boolean; readonly run: (leave: () => void) => void }[] = [];
  #inside = 0;
  #isAlone = false;

  /** Calls `run` when it may enter, perhaps at once; `run` calls `leave` once, when it is done. */
  enter(alone: boolean, run: (leave: () => void) => void): void {
    this.#queue.push({ alone, run });
    this.#admit();
  }

  #admit(): void {
    for (;;) {
      const next = this.#queue[0];
      if (next === undefined || this.#isAlone || (next.alone && this.#inside > 0)) return;
      this.#queue.shift();
      this.#inside += 1;
      this.#isAlone = next.alone;
      next.run(() => {
        this.#inside -= 1;
        this.#isAlone = false;
        this.#admit();
      });
    }
  }
}
