/**
 * Any deterministic model: the set of all configurations (a state, and which open operations have taken effect in it),
 * carried along the events and extended just in time, only when an operation must return (Lowe 2017, "Testing for
 * linearizability"). What it holds depends on how much is open at one time, not on the length of the history.
 *
 * Nothing is lost by these, each by exchanging operations in a witness:
 * - an observer whose answer fits takes effect at once: it changes nothing for the others;
 * - operations of unknown outcome with the same effect are used in the order of their calls: an earlier one can stand
 *   wherever a later one can;
 * - if two configurations differ only in which of those were used, and the first used a subset of the second's, the
 *   first is enough: it can do whatever the second can;
 * - an operation of unknown outcome that changes nothing is left out;
 * - and what needs.ts says.
 */
import type { Call, CompleteModel } from "../model.ts";
import type { BudgetMeter, Exceeded } from "./budget.ts";
import {
  type Configuration,
  Configurations,
  longer,
  type Trail,
  trailOf,
  type Used,
  usedOf,
  withUse,
} from "./configurations.ts";
import { Needs, noState } from "./needs.ts";
import { SlotSet } from "./slots.ts";
import { sortedBy } from "./sorting.ts";
import { States } from "./states.ts";

/** Operations by their places in the list that was searched. An order holds every operation that has taken effect. */
export type Found =
  | { readonly verdict: "ok"; readonly order: readonly number[] }
  /** No configuration is left when `at` must return; `partial`: a longest order of what had been called by then. */
  | { readonly verdict: "illegal"; readonly at: number; readonly partial: readonly number[] }
  | ({ readonly verdict: "unknown"; readonly at: number } & Exceeded);

/** Stands for all states that nobody needs any more. */
const dead = -1;
const nobody = -1;
const nothingUsed: Used = [];
/** Ids and sets that no configuration has any more are forgotten once there are so many, and eight for each configuration. */
const forgetAt = 32;

function note(classes: Map<number, number[]>, state: number, known: number): void {
  if (state === noState) return;
  const own = classes.get(state);
  if (own === undefined) classes.set(state, [known]);
  else own.push(known);
}

class Search<State, Input, Output> {
  readonly #model: CompleteModel<State, Input, Output>;
  readonly #calls: readonly Call<Input, Output>[];
  readonly #ranks: Int32Array | null;
  readonly #meter: BudgetMeter;
  readonly #states = new States();
  readonly #isObserver: Uint8Array;
  readonly #needs: Needs<State, Input, Output>;
  /** Of unknown operations with the same effect: all that were called, in order. */
  readonly #classes: number[][] = [];
  readonly #classOf = new Map<string, number>();
  /** By state: the classes that can use it, and those that make it. */
  readonly #usersOf = new Map<number, number[]>();
  readonly #makersOf = new Map<number, number[]>();
  /** Open operations that have an answer, by slot; `nobody` where one is free. */
  readonly #open: number[] = [];
  readonly #slotOf: Int32Array;
  readonly #freeSlots: number[] = [];
  /** The state that an operation made last, and its id. */
  readonly #made: (State | undefined)[];
  readonly #madeId: Int32Array;
  /** The lowest rank of those that are not called yet. */
  #rankAhead = Infinity;
  #configurations: Configuration<State>[];

  constructor(
    model: CompleteModel<State, Input, Output>,
    calls: readonly Call<Input, Output>[],
    ranks: Int32Array | null,
    meter: BudgetMeter,
  ) {
    this.#model = model;
    this.#calls = calls;
    this.#ranks = ranks;
    this.#meter = meter;
    this.#isObserver = Uint8Array.from(calls, ({ input, output }) => (model.isObserver(input, output) ? 1 : 0));
    this.#needs = new Needs(model, calls, this.#isObserver, this.#states);
    this.#slotOf = new Int32Array(calls.length);
    this.#made = Array.from({ length: calls.length });
    this.#madeId = new Int32Array(calls.length);
    const { initial: state } = model;
    const stateId = this.#states.idOf(model.keyOf(state));
    this.#states.keep();
    this.#configurations = [{ state, stateId, done: SlotSet.empty(), used: nothingUsed, trail: null }];
  }

  run(): Found {
    const { events, rankAhead } = this.#events();
    for (let k = 0; k < events.length; k++) {
      const event = events[k]!;
      if (rankAhead !== null) this.#rankAhead = rankAhead[k]!;
      if (event > 0) this.#call(event - 1);
      else {
        this.#meter.reach(k / events.length);
        const next = this.#return(-event - 1);
        if (this.#meter.over !== null) return { verdict: "unknown", at: -event - 1, ...this.#meter.over };
        if (next.length === 0) return { verdict: "illegal", at: -event - 1, partial: this.#longest() };
        this.#configurations = next;
        this.#forget();
      }
    }
    return { verdict: "ok", order: trailOf(this.#configurations[0]!.trail) };
  }

  /** Calls (+i + 1) and returns (-i - 1) in order of time, calls first; and the lowest rank that is called after each. */
  #events(): { events: Int32Array; rankAhead: Float64Array | null } {
    const calls = this.#calls;
    const unsorted: number[] = [];
    for (let i = 0; i < calls.length; i++) {
      if (calls[i]!.return !== Infinity) unsorted.push(i + 1, -i - 1);
      else if (this.#isObserver[i] === 0) unsorted.push(i + 1);
    }
    const times = Float64Array.from(unsorted, (event) =>
      event > 0 ? calls[event - 1]!.call : calls[-event - 1]!.return,
    );
    const events = sortedBy(times, (k) => unsorted[k]! > 0).map((k) => unsorted[k]!);
    if (this.#ranks === null) return { events, rankAhead: null };
    const rankAhead = new Float64Array(events.length).fill(Infinity);
    for (let k = events.length - 2; k >= 0; k--) {
      const event = events[k + 1]!;
      const rank = event > 0 ? this.#ranks[event - 1]! : -1;
      rankAhead[k] = Math.min(rankAhead[k + 1]!, rank < 0 ? Infinity : rank);
    }
    return { events, rankAhead };
  }

  #longest(): number[] {
    let best: Trail | null = null;
    for (const { trail } of this.#configurations) if ((trail?.length ?? 0) > (best?.length ?? 0)) best = trail;
    return trailOf(best);
  }

  /** Forgets what only configurations of the past had. */
  #forget(): void {
    const held = 8 * this.#configurations.length + forgetAt;
    const { done: family } = this.#configurations[0]!;
    if (family.made < held && this.#states.countNew < held) return;
    this.#states.forget();
    const empty = SlotSet.empty();
    this.#configurations = this.#configurations.map((one) => {
      if (one.stateId !== dead) this.#states.remember(this.#model.keyOf(one.state), one.stateId);
      return { ...one, done: one.done.movedTo(empty) };
    });
  }

  #call(i: number): void {
    const call = this.#calls[i]!;
    this.#needs.called(i, call);
    if (call.return === Infinity) {
      this.#callUnknown(i, call.input);
      return;
    }
    const slot = this.#freeSlots.pop() ?? this.#open.length;
    this.#open[slot] = i;
    this.#slotOf[i] = slot;
    if (this.#isObserver[i] === 0 && this.#needs.isHidden[i] === 0) return;
    for (let k = 0; k < this.#configurations.length; k++) {
      const one = this.#configurations[k]!;
      // With ranks others may have waited for this one to be called.
      if (this.#ranks !== null) this.#configurations[k] = this.#settle(one);
      else if (this.#isObserver[i] === 1) {
        if (this.#model.step(one.state, call.input, call.output) === undefined) continue;
        this.#configurations[k] = this.#markDead(one, one.done.with(slot), longer(one.trail, i));
      } else if (one.stateId === dead) this.#configurations[k] = this.#markDead(one, one.done, one.trail);
    }
  }

  #callUnknown(i: number, input: Input): void {
    const effect = this.#model.effectOf(input) ?? `\u0000${i}`;
    let known = this.#classOf.get(effect);
    if (known === undefined) {
      known = this.#classes.push([]) - 1;
      this.#classOf.set(effect, known);
      note(this.#usersOf, this.#needs.needOf[i]!, known);
      note(this.#makersOf, this.#needs.makeOf[i]!, known);
    }
    this.#classes[known]!.push(i);
  }

  /** All that is free takes effect: observers whose answers fit and, once the state is dead, what nobody needs. */
  #settle(one: Configuration<State>): Configuration<State> {
    let { done, trail } = one;
    for (let again = true; again;) {
      again = false;
      for (let slot = 0; slot < this.#open.length; slot++) {
        const i = this.#open[slot]!;
        if (i === nobody || this.#isObserver[i] === 0 || done.has(slot) || !this.#mayGo(i, done)) continue;
        const { input, output } = this.#calls[i]!;
        if (this.#model.step(one.state, input, output) === undefined) continue;
        done = done.with(slot);
        trail = longer(trail, i);
        // It may have been what another waits for, by rank.
        again = this.#ranks !== null;
      }
    }
    return this.#markDead(one, done, trail);
  }

  /** `one` with this `done` and `trail`; if its state is dead, what nobody needs takes effect in it. */
  #markDead(one: Configuration<State>, done: SlotSet, trail: Trail | null): Configuration<State> {
    let { state, stateId } = one;
    const { used } = one;
    if (this.#needs.isKnown && (stateId === dead || this.#isDead(stateId, done, used))) {
      stateId = dead;
      for (let slot = 0; slot < this.#open.length; slot++) {
        const i = this.#open[slot]!;
        if (i === nobody || this.#needs.isHidden[i] === 0 || done.has(slot) || !this.#mayGo(i, done)) continue;
        state = this.#model.step(state, this.#calls[i]!.input, this.#calls[i]!.output)!;
        done = done.with(slot);
        trail = longer(trail, i);
      }
    }
    return done === one.done && stateId === one.stateId ? one : { state, stateId, done, used, trail };
  }

  /** Whether nobody can do anything with the state any more. */
  #isDead(stateId: number, done: SlotSet, used: Used): boolean {
    if (this.#needs.isUsedAhead(stateId) || this.#isNeeded(stateId, done, nobody)) return false;
    return !this.#isLeft(this.#usersOf, stateId, used);
  }

  /** Whether one of those classes has a member that was not used. */
  #isLeft(classes: ReadonlyMap<number, readonly number[]>, stateId: number, used: Used): boolean {
    const own = classes.get(stateId);
    return own !== undefined && own.some((k) => usedOf(used, k) < this.#classes[k]!.length);
  }

  /** Whether an open operation other than `besides`, to which `stateOf` gives this state, has not taken effect. */
  #isWaiting(stateOf: Int32Array, stateId: number, done: SlotSet, besides: number): boolean {
    for (let slot = 0; slot < this.#open.length; slot++) {
      const i = this.#open[slot]!;
      if (i !== nobody && stateOf[i] === stateId && i !== besides && !done.has(slot)) return true;
    }
    return false;
  }

  /** Whether somebody other than `besides` needs the state and has not taken effect. */
  #isNeeded(stateId: number, done: SlotSet, besides: number): boolean {
    return this.#needs.isNeededAhead(stateId) || this.#isWaiting(this.#needs.needOf, stateId, done, besides);
  }

  /** Whether something other than `besides` can still make the state. */
  #isMade({ stateId, done, used }: Configuration<State>, besides: number): boolean {
    if (this.#needs.isMadeAhead(stateId) || this.#isWaiting(this.#needs.makeOf, stateId, done, besides)) return true;
    return this.#isLeft(this.#makersOf, stateId, used);
  }

  /** Whether `i` may take effect: nobody that is left behind needs the state. */
  #mayLeave(from: Configuration<State>, i: number): boolean {
    if (!this.#needs.isKnown || from.stateId === dead) return true;
    if (this.#needs.makeOf[i] === from.stateId) return true;
    return !this.#isNeeded(from.stateId, from.done, i) || this.#isMade(from, i);
  }

  /** Whether nobody of a lower rank is left. */
  #mayGo(i: number, done: SlotSet): boolean {
    const rank = this.#ranks === null ? -1 : this.#ranks[i]!;
    if (rank < 0) return true;
    if (this.#rankAhead < rank) return false;
    for (let slot = 0; slot < this.#open.length; slot++) {
      const other = this.#open[slot]!;
      const its = other === nobody ? -1 : this.#ranks![other]!;
      if (its >= 0 && its < rank && !done.has(slot)) return false;
    }
    return true;
  }

  /** What is left when `i` must have taken effect. */
  #return(i: number): Configuration<State>[] {
    const slot = this.#slotOf[i]!;
    const next = new Configurations<State>();
    const seen = new Configurations<State>();
    const stack: Configuration<State>[] = [];
    const take = (one: Configuration<State>): void => {
      if (one.done.has(slot)) next.add({ ...one, done: one.done.without(slot) });
      else if (seen.add(one)) stack.push(one);
    };
    const tryOne = (one: Configuration<State>): void => {
      this.#meter.make(seen.count + next.count);
      take(one);
    };
    for (const one of this.#configurations) take(one);
    while (stack.length > 0 && this.#meter.over === null) this.#successors(stack.pop()!, tryOne);
    this.#open[slot] = nobody;
    this.#freeSlots.push(slot);
    return next.list();
  }

  #successors(from: Configuration<State>, take: (one: Configuration<State>) => void): void {
    for (let slot = 0; slot < this.#open.length; slot++) {
      const i = this.#open[slot]!;
      if (i === nobody || this.#isObserver[i] === 1 || from.done.has(slot) || !this.#mayGo(i, from.done)) continue;
      const state = this.#model.step(from.state, this.#calls[i]!.input, this.#calls[i]!.output);
      if (state !== undefined && this.#mayLeave(from, i)) take(this.#after(from, i, slot, from.used));
    }
    for (let k = 0; k < this.#classes.length; k++) {
      const members = this.#classes[k]!;
      const i = members[usedOf(from.used, k)];
      if (i === undefined) continue;
      const state = this.#model.step(from.state, this.#calls[i]!.input, undefined);
      if (state === undefined || state === from.state || this.#isSame(state, from.state)) continue;
      if (this.#mayLeave(from, i)) take(this.#after(from, i, nobody, withUse(from.used, k)));
    }
  }

  #isSame(a: State, b: State): boolean {
    return this.#model.keyOf(a) === this.#model.keyOf(b);
  }

  /** The id of what `i` has made. */
  #idOf(i: number, state: State): number {
    if (this.#made[i] !== state) {
      this.#made[i] = state;
      this.#madeId[i] = this.#states.idOf(this.#model.keyOf(state));
    }
    return this.#madeId[i]!;
  }

  /** What becomes of `from` when `i` takes effect; `slot`: its own, `nobody` where its outcome is unknown. */
  #after(from: Configuration<State>, i: number, slot: number, used: Used): Configuration<State> {
    let { done, trail } = from;
    // What nobody needs goes first where this one overwrites it.
    if (this.#needs.isKnown && this.#needs.needOf[i] === noState && slot !== nobody) {
      for (let other = 0; other < this.#open.length; other++) {
        const k = this.#open[other]!;
        if (k === nobody || k === i || this.#needs.isHidden[k] === 0) continue;
        if (done.has(other) || !this.#mayGo(k, done)) continue;
        done = done.with(other);
        trail = longer(trail, k);
      }
    }
    const { input, output } = this.#calls[i]!;
    const state = this.#model.step(from.state, input, output)!;
    if (slot !== nobody) done = done.with(slot);
    return this.#settle({ state, stateId: this.#idOf(i, state), done, used, trail: longer(trail, i) });
  }
}

/**
 * Decides `calls`. `ranks`: of two operations with ranks the lower one must come first, -1 has none; null: nobody has.
 */
export function searchGeneral<State, Input, Output>(
  model: CompleteModel<State, Input, Output>,
  calls: readonly Call<Input, Output>[],
  ranks: Int32Array | null,
  meter: BudgetMeter,
): Found {
  return new Search(model, calls, ranks, meter).run();
}
