/**
 * Lets readers in together and a writer alone, in the order in which they come. A throw never leaves it held: what comes
 * behind goes on, and the caller gets the throw.
 */
export class RwLock {
  readonly #queue: { readonly alone: boolean; readonly run: (leave: () => void) => void }[] = [];
  #inside = 0;
  #isAlone = false;

  /** Calls `run` when it may enter, perhaps at once; `run` calls `leave` when it is done. A second call changes nothing. */
  acquire(alone: boolean, run: (leave: () => void) => void): void {
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
      this.#run(next.run);
    }
  }

  #run(run: (leave: () => void) => void): void {
    let isInside = true;
    const leave = (): void => {
      if (!isInside) return;
      isInside = false;
      this.#inside -= 1;
      this.#isAlone = false;
      this.#admit();
    };
    try {
      run(leave);
    } catch (thrown) {
      leave();
      throw thrown;
    }
  }
}

/** Calls `take`, and leaves whether it throws or not: those behind must not wait for ever. */
export function thenRelease(leave: () => void, take: () => void): void {
  try {
    take();
  } finally {
    leave();
  }
}
