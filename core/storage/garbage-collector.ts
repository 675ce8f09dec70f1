/** Removes the rows of all generations but the one in force, a batch at a time, between the batches of others. */
import { assert } from "../assert.ts";
import type { OrderedKv } from "../ports.ts";
import type { RwLock } from "./rw-lock.ts";
import { generationStart, sessionRange } from "./ordered-format.ts";

/** Works for one OrderedState, under its lock. What it does not get done is found again at the next start. */
export class GarbageCollector {
  readonly #kv: OrderedKv;
  readonly #lock: RwLock;
  readonly #rowsAtOnce: number;
  #ranges: (readonly [string, string])[] = [];
  /** The generation in force. Never falls. */
  #generation = 0;
  readonly #waiting: (() => void)[] = [];
  #stopped = false;

  constructor(kv: OrderedKv, lock: RwLock, rowsAtOnce: number) {
    this.#kv = kv;
    this.#lock = lock;
    this.#rowsAtOnce = rowsAtOnce;
  }

  /** Begins. Nobody writes rows of another generation until it is done. */
  allBut(generation: number): void {
    assert(generation >= this.#generation, "generations rise: what is removed holds no more");
    this.#generation = generation;
    const isUnderWay = this.#ranges.length > 0;
    this.#ranges = [
      [generationStart(0), generationStart(generation)],
      [generationStart(generation + 1), sessionRange[0]],
    ];
    if (!isUnderWay) this.#next();
  }

  /** Calls `run` when nothing is left to remove. */
  whenDone(run: () => void): void {
    assert(this.#waiting.length === 0 || this.#ranges.length > 0, "nobody waits once nothing is left to remove");
    if (this.#ranges.length === 0) run();
    else this.#waiting.push(run);
  }

  stop(): void {
    this.#stopped = true;
  }

  #next(): void {
    const range = this.#ranges[0];
    if (range === undefined) {
      for (const run of this.#waiting.splice(0)) run();
      return;
    }
    this.#lock.acquire(true, (leave) => {
      const scan = this.#kv.scan(...range);
      const finish = (isDone: boolean): void => {
        if (this.#stopped) return;
        if (isDone && this.#ranges[0] === range) this.#ranges.shift();
        leave();
        this.#next();
      };
      scan.next(this.#rowsAtOnce, (error, pairs) => {
        scan.end();
        // A map that fails is dead, and says so to the next who writes.
        if (error !== null || pairs.length === 0) return finish(true);
        assert(
          pairs.every(([key]) => key >= range[0] && key < range[1]),
          "a scan keeps within its range",
        );
        const batch = pairs.map(([key]) => ({ key, value: null }));
        this.#kv.write(batch, false, () => finish(pairs.length < this.#rowsAtOnce));
      });
    });
  }
}
