/**
 * Whether this process itself had its time. A machine that runs the harness late, or not at all for a while, runs the
 * members late too: what takes long then says nothing of them. Every bound in wall time goes through here.
 */

/** Where a pace takes its time from; milliseconds, monotonic. */
export type WallClock = { readonly now: () => number; readonly sleep: (ms: number) => Promise<void> };

const machine: WallClock = {
  now: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

const tickMs = 250;
/** A machine that runs this process so much later than asked is too busy, or was frozen. */
const lateMsMax = 500;
const pollMs = 100;

/** One for each run; `close` ends its timer. */
export class Pace {
  readonly #clock: WallClock;
  readonly #timer: NodeJS.Timeout;
  #tickedAtMs: number;
  #starvedAtMs = -Infinity;
  #fairMs = 0;

  constructor(clock: WallClock = machine) {
    this.#clock = clock;
    this.#tickedAtMs = clock.now();
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  /** Also at each question: after a freeze a bound's timer may fire before the pace's own. */
  #tick(): number {
    const nowMs = this.#clock.now();
    const passedMs = nowMs - this.#tickedAtMs;
    this.#tickedAtMs = nowMs;
    const isLate = passedMs > tickMs + lateMsMax;
    if (isLate) this.#starvedAtMs = nowMs;
    this.#fairMs += isLate ? tickMs : passedMs;
    return nowMs;
  }

  /** Wall time, as performance.now() tells it. */
  now(): number {
    return this.#tick();
  }

  /** Milliseconds that pass only while this process has its time: a bound is over when so many of these have passed. */
  fairNow(): number {
    this.#tick();
    return this.#fairMs;
  }

  /** When this process was last seen to run late, in wall time; -Infinity: never. */
  get starvedAtMs(): number {
    this.#tick();
    return this.#starvedAtMs;
  }

  /** Whether this process ran late at any time since `sinceMs`, in wall time: then nothing that took long is judged. */
  wasStarvedSince(sinceMs: number): boolean {
    return this.starvedAtMs >= sinceMs;
  }

  /** Waits until `condition`; returns whether it held within `patienceMs` of fair time. Later does not count. */
  async until(
    condition: () => boolean | Promise<boolean>,
    patienceMs: number,
    isEnded: () => boolean = () => false,
  ): Promise<boolean> {
    const end = this.fairNow() + patienceMs;
    // Each turn takes a piece of fair time, also on a machine that is always late.
    for (;;) {
      const isSo = await condition();
      const isInTime = this.fairNow() <= end;
      if (isSo) return isInTime;
      if (!isInTime || isEnded()) return false;
      await this.#clock.sleep(pollMs);
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
