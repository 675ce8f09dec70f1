/** The clients of a file by number: those that a double does not hold exactly get others, from a million up. */
const firstOfLarge = 1_000_000;

/** One for each file: which numbers large ones get depends on the order in which they come. */
export class ClientNumbers {
  readonly #large = new Map<string, number>();

  /** `digits`: a canonical integer. Equal ones get equal numbers. */
  numberOf(digits: string): number {
    const own = Number(digits);
    if (Number.isSafeInteger(own)) return own;
    let number = this.#large.get(digits);
    if (number === undefined) this.#large.set(digits, (number = firstOfLarge + this.#large.size));
    return number;
  }
}
