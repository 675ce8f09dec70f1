/** Time for one file: its limit, and a word now and then that the work goes on. */
const wordEveryMs = 5_000;

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

  shouldStop(): boolean {
    const now = performance.now();
    if (now - this.#saidAt > wordEveryMs) {
      this.#saidAt = now;
      process.stderr.write(`${this.#file}: still at it after ${Math.round((now - this.#start) / 1000)} s\n`);
    }
    return now - this.#start > this.#timeoutMs;
  }
}
