/**
 * Lets readers in together and a writer alone, in the order in which they come. A throw never leaves it held: what comes
 * behind goes on, and the caller gets the throw.
 */
import { assert } from "../assert.ts";

/** One lock. The order of entry is the order of `acquire`. */
export class RwLock {
  readonly #queue: { readonly alone: boolean; readonly run: (leave: () => void) => void }[] = [];
  #inside = 0;
  #isAlone = false;

  /** Calls `run` when it may enter, perhaps at once; `run` calls `leave` when it is done. A second call changes nothing. */
  acquire(alone: boolean, run: (leave: () => void) => void): void {
    assert(this.#queue.length === 0 || this.#inside > 0, "nobody waits for a lock that is free");
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
      assert(!this.#isAlone || this.#inside === 1, "a writer is alone");
      this.#run(next.run);
    }
  }

  #run(run: (leave: () => void) => void): void {
    let isInside = true;
    const leave = (): void => {
      if (!isInside) return;
      isInside = false;
      assert(this.#inside > 0, "who leaves was inside");
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
