/** What a search may spend. Its limits are counted, never timed: the same history ends the same way everywhere. */
export type Budget = {
  /** Configurations that may be made, over all keys. */
  readonly configurationsMax: number;
  /** Estimated bytes of the configurations that are held at one time. */
  readonly bytesMax: number;
  /** Asked now and then; the search ends as `unknown` once it says true. Times, progress and cancelling come in here. */
  readonly shouldStop: (() => boolean) | null;
};

const askEvery = 1_024;
/** Of one configuration with its place in a map, as measured. */
const configurationBytes = 500;

/** What one check has spent so far. Once `over` is set it stays, and every search under it ends. */
export class BudgetMeter {
  readonly #budget: Budget;
  #made = 0;
  /** Why the search must end, or null. */
  over: string | null = null;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** One more is made, and so many are held. */
  make(held: number): void {
    const { configurationsMax, bytesMax, shouldStop } = this.#budget;
    this.#made += 1;
    if (this.#made > configurationsMax) this.over ??= `${configurationsMax} configurations were not enough`;
    else if (held * configurationBytes > bytesMax) this.over ??= `${bytesMax} bytes of configurations were not enough`;
    else if (this.#made % askEvery === 0 && shouldStop?.() === true) this.over ??= "it was stopped";
  }

  /** A purse of its own for a part of the work, that stops when this one is told to. */
  part(configurationsMax: number): BudgetMeter {
    return new BudgetMeter({ ...this.#budget, configurationsMax });
  }

  /** Asks without having made anything. */
  poll(): boolean {
    if (this.#budget.shouldStop?.() === true) this.over ??= "it was stopped";
    return this.over !== null;
  }
}
