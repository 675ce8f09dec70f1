/** What a search may spend. Its limits are counted, never timed: the same history ends the same way everywhere. */
export type Budget = {
  /** Configurations that may be made, over all keys. */
  readonly configurationsMax: number;
  /** Estimated bytes of the configurations that are held at one time. */
  readonly bytesMax: number;
  /**
   * Asked now and then; the search ends as `unknown` once it says true. Times, progress and cancelling come in here:
   * `share` is how much of the history is decided, from 0 to 1, and never falls.
   */
  readonly shouldStop: ((share: number) => boolean) | null;
};

/** A search has ended without an answer: by which of its limits, and that in words. */
export type Exceeded = { readonly limit: keyof Budget; readonly reason: string };

const askEvery = 1_024;
/** What a configuration and its place in a map take, as measured. */
const configurationBytes = 500;

/** What one check has spent so far. Once `over` is set it stays, and every search under it ends. */
export class BudgetMeter {
  readonly #budget: Budget;
  #made = 0;
  /** How much of the history is decided; and what of it the part is that is searched now. */
  #share = 0;
  #part = { from: 0, size: 1 };
  /** Why the search must end, or null. */
  over: Exceeded | null = null;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** One more is made, and so many are held. */
  make(held: number): void {
    const { configurationsMax, bytesMax, shouldStop } = this.#budget;
    this.#made += 1;
    if (this.#made > configurationsMax)
      this.#exceed("configurationsMax", `${configurationsMax} configurations were not enough`);
    else if (held * configurationBytes > bytesMax)
      this.#exceed("bytesMax", `${bytesMax} bytes of configurations were not enough`);
    else if (this.#made % askEvery === 0 && shouldStop?.(this.#share) === true) this.#stop();
  }

  /** A part of the history begins that is `size` of the whole, and `from` is decided. */
  begin(from: number, size: number): void {
    this.#part = { from, size };
    this.reach(0);
  }

  /** So much of the part is decided, from 0 to 1. */
  reach(share: number): void {
    this.#share = Math.max(this.#share, this.#part.from + share * this.#part.size);
  }

  /** A meter for a part of the work, which stops when this one is told to. */
  part(configurationsMax: number): BudgetMeter {
    const { shouldStop } = this.#budget;
    const stop = shouldStop === null ? null : (): boolean => shouldStop(this.#share);
    return new BudgetMeter({ ...this.#budget, configurationsMax, shouldStop: stop });
  }

  /** Asks without having made anything. */
  poll(): boolean {
    if (this.#budget.shouldStop?.(this.#share) === true) this.#stop();
    return this.over !== null;
  }

  #stop(): void {
    this.#exceed("shouldStop", "it was stopped");
  }

  #exceed(limit: keyof Budget, reason: string): void {
    this.over ??= { limit, reason };
  }
}
