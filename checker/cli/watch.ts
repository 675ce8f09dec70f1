/** Time for one file: its limit, and a word now and then how far the work is. */
const wordEveryMs = 5_000;

/** What is done with a file, one after the other. */
export type Work = "read" | "decided";

/** Begins with its making. The checker itself reads no clock: it asks `shouldStop` now and then. */
export class Watch {
  readonly #file: string;
  readonly #timeoutMs: number;
  readonly #start = performance.now();
  #saidAt = performance.now();

  /** `timeoutMs`: null for no limit. */
  constructor(file: string, timeoutMs: number | null) {
    this.#file = file;
    this.#timeoutMs = timeoutMs ?? Infinity;
  }

  get ms(): number {
    return performance.now() - this.#start;
  }

  /** `share`: how much of the work is done, from 0 to 1; null: nobody knows. */
  shouldStop(work: Work, share: number | null): boolean {
    const now = performance.now();
    if (now - this.#saidAt > wordEveryMs) {
      this.#saidAt = now;
      const done = share === null ? `not ${work} yet` : `${Math.floor(100 * share)} % ${work}`;
      process.stderr.write(`${this.#file}: ${done} after ${Math.round((now - this.#start) / 1000)} s\n`);
    }
    return now - this.#start > this.#timeoutMs;
  }
}
