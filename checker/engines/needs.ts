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
import type { Call, CompleteModel } from "../model.ts";
import type { States } from "./states.ts";

/** No state. */
export const noState = -1;

/** Kept in step with the events of one search: it knows what was called and what is still to come. */
export class Needs<State, Input, Output> {
  /** Per operation: the id of the only state in which it can be, and of the state that it makes; or `noState`. */
  readonly needOf: Int32Array;
  readonly makeOf: Int32Array;
  /** Per operation, 1: it can be in any state, and nobody ever needs what it makes. */
  readonly isHidden: Uint8Array;
  /** False: the model does not tell, and nothing is left out. */
  readonly isKnown: boolean;
  /** By state: how many need it, could use it (their outcome is unknown), or make it, of those that are not called yet. */
  readonly #needsAhead: Int32Array;
  readonly #usesAhead: Int32Array;
  readonly #makersAhead: Int32Array;

  /** `isObserver`: of each call. All states that are spoken of get ids in `states`. */
  constructor(
    model: CompleteModel<State, Input, Output>,
    calls: readonly Call<Input, Output>[],
    isObserver: Uint8Array,
    states: States,
  ) {
    const count = calls.length;
    this.needOf = new Int32Array(count).fill(noState);
    this.makeOf = new Int32Array(count).fill(noState);
    let isKnown = model.needs !== undefined && model.makes !== undefined;
    for (let i = 0; i < count && model.needs !== undefined && model.makes !== undefined; i++) {
      const { input, output } = calls[i]!;
      const need = model.needs(input);
      const make = isObserver[i] === 1 ? null : model.makes(input);
      if (need !== null) this.needOf[i] = states.idOf(need);
      if (make !== null) this.makeOf[i] = states.idOf(make);
      isKnown &&= isObserver[i] === 1 ? need !== null || output === undefined : make !== null;
    }
    this.isKnown = isKnown;
    this.#needsAhead = new Int32Array(states.count);
    this.#usesAhead = new Int32Array(states.count);
    this.#makersAhead = new Int32Array(states.count);
    for (let i = 0; i < count; i++) this.#count(i, calls[i]!, 1);
    this.isHidden = new Uint8Array(count);
    if (!isKnown) return;
    for (let i = 0; i < count; i++) {
      const make = this.makeOf[i]!;
      const isPure = this.needOf[i] === noState && calls[i]!.return !== Infinity && make !== noState;
      if (isPure && this.#needsAhead[make] === 0 && this.#usesAhead[make] === 0) this.isHidden[i] = 1;
    }
  }

  #count(i: number, call: { readonly return: number }, by: number): void {
    const [need, make] = [this.needOf[i]!, this.makeOf[i]!];
    if (need !== noState) {
      if (call.return === Infinity) this.#usesAhead[need]! += by;
      else this.#needsAhead[need]! += by;
    }
    if (make !== noState) this.#makersAhead[make]! += by;
  }

  called(i: number, call: { readonly return: number }): void {
    this.#count(i, call, -1);
  }

  isNeededAhead(state: number): boolean {
    return state < this.#needsAhead.length && this.#needsAhead[state]! > 0;
  }

  isUsedAhead(state: number): boolean {
    return state < this.#usesAhead.length && this.#usesAhead[state]! > 0;
  }

  isMadeAhead(state: number): boolean {
    return state < this.#makersAhead.length && this.#makersAhead[state]! > 0;
  }
}
