/**
 * Which configuration holds where. It is the newest one in snapshot and log, effective as soon as it is appended
 * (Raft thesis, 4.1); a truncated log falls back to the one before.
 */
import { assert } from "../assert.ts";
import type { Configuration, ConfigurationAt } from "../protocol/configuration.ts";
import type { Index } from "../units.ts";

/** The configurations of one log, which keeps them in step with its entries. */
export class Configurations {
  /** By index, rising. Invariant: never empty; the first is the one at the log's base. */
  #steps: ConfigurationAt[];

  constructor(base: ConfigurationAt) {
    this.#steps = [base];
  }

  get latest(): ConfigurationAt {
    return this.#steps.at(-1)!;
  }

  /** The one before the latest, which was committed when that was appended; the latest itself where the log knows none. */
  get previous(): ConfigurationAt {
    return this.#steps.at(-2) ?? this.latest;
  }

  /** The one in force once the log is known up to `index`, which is not below the log's base. */
  at(index: Index): ConfigurationAt {
    const step = this.#steps.findLast((one) => one.index <= index);
    assert(step !== undefined, "a configuration is known from the log's base on");
    return step;
  }

  append(index: Index, configuration: Configuration): void {
    assert(index > this.latest.index, "configurations are appended in order");
    this.#steps.push({ index, configuration });
  }

  /** The log ends before `from` now. */
  truncate(from: Index): void {
    while (this.latest.index >= from) {
      assert(this.#steps.length > 1, "what the log's base rests on is never truncated");
      this.#steps.pop();
    }
  }

  /** The log begins after `index` now. */
  compact(index: Index): void {
    const first = this.#steps.findLastIndex((one) => one.index <= index);
    assert(first >= 0, "a configuration is known from the log's base on");
    this.#steps = this.#steps.slice(Math.max(first, 0));
  }

  /** A snapshot replaces everything. */
  reset(base: ConfigurationAt): void {
    assert(base.index >= this.#steps[0]!.index, "a snapshot's configuration is not older than that of the log's base");
    this.#steps = [base];
  }
}
