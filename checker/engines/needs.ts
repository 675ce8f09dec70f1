/**
 * Which states are still needed, where a model can tell: answers that can be given in one state only, and operations that
 * make one state whatever was before. With that the general engine leaves out what cannot lead anywhere, or need not be
 * tried:
 *
 * - a state that is needed by somebody who has not taken effect, and that nobody can make again, is not left;
 * - a state that nobody needs any more is dead: one is as good as another;
 * - an operation that only makes a state which nobody ever needs takes effect just before any that overwrites, or in a dead
 *   state, for nothing: what it makes helps none. (Not where somebody waits for a state to be another one.)
 */
import type { Call, Model } from "../model.ts";

export class Needs<State, Input, Output> {
  /** Per operation: the key of the only state in which it can be, and of the state that it makes. */
  readonly needOf: readonly (string | null)[];
  readonly makeOf: readonly (string | null)[];
  /** It can be in any state, and nobody ever needs what it makes. */
  readonly isHidden: readonly boolean[];
  /** False: the model does not tell, and nothing is left out. */
  readonly isKnown: boolean;
  /** By state: how many need it, could use it (their outcome is unknown), or make it, of those that are not called yet. */
  readonly #needsAhead = new Map<string, number>();
  readonly #usesAhead = new Map<string, number>();
  readonly #makersAhead = new Map<string, number>();

  constructor(model: Model<State, Input, Output>, calls: readonly Call<Input, Output>[]) {
    const { needs, makes } = model;
    const told = needs !== undefined && makes !== undefined;
    this.needOf = calls.map(({ input }) => (told ? needs(input) : null));
    this.makeOf = calls.map(({ input, output }) => (told && !model.isObserver(input, output) ? makes(input) : null));
    for (const [i, need] of this.needOf.entries()) if (need !== null) add(this.#kindOf(calls[i]!), need, 1);
    for (const make of this.makeOf) if (make !== null) add(this.#makersAhead, make, 1);
    this.isKnown =
      told &&
      calls.every(({ input, output }, i) =>
        model.isObserver(input, output) ? this.needOf[i] !== null || output === undefined : this.makeOf[i] !== null,
      );
    this.isHidden = calls.map(({ return: end }, i) => {
      const make = this.makeOf[i]!;
      const isPure = this.isKnown && this.needOf[i] === null && end !== Infinity && make !== null;
      return isPure && !this.#needsAhead.has(make) && !this.#usesAhead.has(make);
    });
  }

  #kindOf({ return: end }: { readonly return: number }): Map<string, number> {
    return end === Infinity ? this.#usesAhead : this.#needsAhead;
  }

  called(i: number, call: { readonly return: number }): void {
    const [need, make] = [this.needOf[i]!, this.makeOf[i]!];
    if (need !== null) add(this.#kindOf(call), need, -1);
    if (make !== null) add(this.#makersAhead, make, -1);
  }

  isNeededAhead(state: string): boolean {
    return (this.#needsAhead.get(state) ?? 0) > 0;
  }

  isUsedAhead(state: string): boolean {
    return (this.#usesAhead.get(state) ?? 0) > 0;
  }

  isMadeAhead(state: string): boolean {
    return (this.#makersAhead.get(state) ?? 0) > 0;
  }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
