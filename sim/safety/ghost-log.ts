import { must } from "../violation.ts";
import { mix } from "../draws.ts";

/** A log as the ghost keeps it: (term, crc) by index, and a running hash, so that two prefixes compare in O(1). */
export class GhostLog {
  readonly #terms: number[] = [0];
  readonly #crcs: number[] = [0];
  readonly #chains: number[] = [0x5eed];

  get last(): number {
    return this.#terms.length - 1;
  }

  get lastTerm(): number {
    return this.#terms[this.last]!;
  }

  termAt(index: number): number {
    return this.#terms[index] ?? -1;
  }

  crcAt(index: number): number {
    return this.#crcs[index] ?? -1;
  }

  /** Equal where the logs are equal up to `index`; -1 beyond the end. */
  chainAt(index: number): number {
    return this.#chains[index] ?? -1;
  }

  /** Sets the entry at `index`, which cuts off what follows. I5: logs are contiguous and their terms never fall. */
  put(index: number, term: number, crc: number, whose: string): void {
    must(index >= 1 && index <= this.last + 1, "I5", () => `${whose}: entry ${index} leaves a gap after ${this.last}`);
    this.#terms.length = index;
    this.#crcs.length = index;
    this.#chains.length = index;
    must(
      term >= this.lastTerm,
      "I5",
      () => `${whose}: the term falls from ${this.lastTerm} to ${term} at index ${index}`,
    );
    this.#chains.push(mix(mix(this.#chains[index - 1]!, term), crc) >>> 0);
    this.#terms.push(term);
    this.#crcs.push(crc);
  }
}
