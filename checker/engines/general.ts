/**
 * Any deterministic model: the set of all configurations (a state, and which open operations have taken effect in it),
 * carried along the events and extended just in time, only when an operation must return (Lowe 2017, "Testing for
 * linearizability"). What it holds depends on how much is open at one time, not on the length of the history.
 *
 * Nothing is lost by these, each by exchanging operations in a witness:
 * - an observer whose answer fits takes effect at once: it changes nothing for the others;
 * - operations of unknown outcome with the same effect are used in the order of their calls: an earlier one can stand
 *   wherever a later one can;
 * - of two configurations that differ only in which of those were used, one that used a part of the other's is enough:
 *   whatever the other can do, it can;
 * - one of unknown outcome that changes nothing is left out;
 * - and what needs.ts says.
 */
import type { Call, Model } from "../model.ts";
import type { Spending } from "./budget.ts";
import { Needs } from "./needs.ts";

export type Found =
  | { readonly verdict: "ok"; readonly order: readonly number[] }
  /** No configuration is left when `at` must return; `partial`: a longest order of what had been called by then. */
  | { readonly verdict: "illegal"; readonly at: number; readonly partial: readonly number[] }
  | { readonly verdict: "unknown"; readonly at: number; readonly reason: string };

/** The way back through a configuration's operations. */
type Trail = { readonly operation: number; readonly before: Trail | null; readonly length: number };

type Configuration<State> = {
  readonly state: State;
  readonly stateKey: string;
  /** Slots of open operations that have taken effect, as characters, in order. */
  readonly done: string;
  /** Of each class of unknown operations how many were used: pairs (class, count), by class. */
  readonly used: readonly number[];
  readonly trail: Trail | null;
};

/** Stands for all states that nobody needs any more. */
const deadKey = "\u0001";

type UnknownClass = { readonly members: number[] };

function trailOf(trail: Trail | null): number[] {
  const order: number[] = [];
  for (let at = trail; at !== null; at = at.before) order.push(at.operation);
  return order.toReversed();
}

function withSlot(done: string, slot: string): string {
  let at = 0;
  while (at < done.length && done[at]! < slot) at += 1;
  return done.slice(0, at) + slot + done.slice(at);
}

function withoutSlot(done: string, slot: string): string {
  const at = done.indexOf(slot);
  return done.slice(0, at) + done.slice(at + 1);
}

function usedOf(used: readonly number[], wanted: number): number {
  for (let k = 0; k < used.length; k += 2) if (used[k] === wanted) return used[k + 1]!;
  return 0;
}

function withUse(used: readonly number[], wanted: number): number[] {
  const more: number[] = [];
  let isIn = false;
  for (let k = 0; k < used.length; k += 2) {
    if (!isIn && used[k]! > wanted) {
      more.push(wanted, 1);
      isIn = true;
    }
    const isIt = used[k] === wanted;
    more.push(used[k]!, used[k + 1]! + (isIt ? 1 : 0));
    isIn ||= isIt;
  }
  if (!isIn) more.push(wanted, 1);
  return more;
}

/** Whether `a` used nothing that `b` did not. */
function usesNoMore(a: readonly number[], b: readonly number[]): boolean {
  for (let k = 0; k < a.length; k += 2) if (usedOf(b, a[k]!) < a[k + 1]!) return false;
  return true;
}

function note(classes: Map<string, number[]>, state: string | null, known: number): void {
  if (state === null) return;
  const own = classes.get(state);
  if (own === undefined) classes.set(state, [known]);
  else own.push(known);
}

/** A set in which of configurations that differ in what they used only the thriftiest stay. */
class Configurations<State> {
  readonly #groups = new Map<string, Configuration<State>[]>();
  count = 0;

  add(one: Configuration<State>): boolean {
    const key = `${one.done}\u0000${one.stateKey}`;
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, [one]);
      this.count += 1;
      return true;
    }
    if (group.some(({ used }) => usesNoMore(used, one.used))) return false;
    const kept = group.filter(({ used }) => !usesNoMore(one.used, used));
    this.count += kept.length + 1 - group.length;
    kept.push(one);
    this.#groups.set(key, kept);
    return true;
  }

  list(): Configuration<State>[] {
    const all: Configuration<State>[] = [];
    for (const group of this.#groups.values()) for (const one of group) all.push(one);
    return all;
  }
}

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #calls: readonly Call<Input, Output>[];
  readonly #ranks: Int32Array | null;
  readonly #spending: Spending;
  readonly #needs: Needs<State, Input, Output>;
  /** Of each class, in the order in which they were first called. */
  readonly #classes: UnknownClass[] = [];
  readonly #classOf = new Map<string, number>();
  /** By state: the classes that can use it, and those that make it. */
  readonly #usersOf = new Map<string, number[]>();
  readonly #makersOf = new Map<string, number[]>();
  /** Open operations that have an answer: by slot. */
  readonly #open = new Map<string, number>();
  readonly #slotOf = new Map<number, string>();
  readonly #freeSlots: string[] = [];
  /** The lowest rank of those that are not called yet. */
  #rankAhead = Infinity;
  #slots = 0;
  #configurations: Configuration<State>[];

  constructor(
    model: Model<State, Input, Output>,
    calls: readonly Call<Input, Output>[],
    ranks: Int32Array | null,
    spending: Spending,
  ) {
    this.#model = model;
    this.#calls = calls;
    this.#ranks = ranks;
    this.#spending = spending;
    this.#needs = new Needs(model, calls);
    const { initial } = model;
    this.#configurations = [{ state: initial, stateKey: model.keyOf(initial), done: "", used: [], trail: null }];
  }

  run(): Found {
    const { events, rankAhead } = this.#events();
    let last = 0;
    for (const [k, event] of events.entries()) {
      this.#rankAhead = rankAhead[k]!;
      if (event > 0) this.#call(event - 1);
      else {
        last = -event - 1;
        const next = this.#return(last);
        if (this.#spending.over !== null) return { verdict: "unknown", at: last, reason: this.#spending.over };
        if (next.length === 0) return { verdict: "illegal", at: last, partial: this.#longest() };
        this.#configurations = next;
      }
    }
    return { verdict: "ok", order: trailOf(this.#configurations[0]!.trail) };
  }

  /** Calls (+i + 1) and returns (-i - 1) in order of time, calls first; and the lowest rank that is called after each. */
  #events(): { events: number[]; rankAhead: Float64Array } {
    const calls = this.#calls;
    const events: number[] = [];
    for (let i = 0; i < calls.length; i++) {
      if (calls[i]!.return !== Infinity) events.push(i + 1, -i - 1);
      else if (!this.#model.isObserver(calls[i]!.input, undefined)) events.push(i + 1);
    }
    const time = (event: number): number => (event > 0 ? calls[event - 1]!.call : calls[-event - 1]!.return);
    events.sort((a, b) => time(a) - time(b) || Math.sign(b) - Math.sign(a));
    const rankAhead = new Float64Array(events.length).fill(Infinity);
    for (let k = events.length - 2; k >= 0; k--) {
      const event = events[k + 1]!;
      const rank = event > 0 ? (this.#ranks?.[event - 1] ?? -1) : -1;
      rankAhead[k] = Math.min(rankAhead[k + 1]!, rank < 0 ? Infinity : rank);
    }
    return { events, rankAhead };
  }

  #longest(): number[] {
    let best: Trail | null = null;
    for (const { trail } of this.#configurations) if ((trail?.length ?? 0) > (best?.length ?? 0)) best = trail;
    return trailOf(best);
  }

  #call(i: number): void {
    const { input, output, return: end } = this.#calls[i]!;
    this.#needs.called(i, this.#calls[i]!);
    if (end === Infinity) {
      const effect = this.#model.effectOf(input) ?? `\u0000${i}`;
      let known = this.#classOf.get(effect);
      if (known === undefined) {
        known = this.#classes.push({ members: [] }) - 1;
        this.#classOf.set(effect, known);
        note(this.#usersOf, this.#needs.needOf[i]!, known);
        note(this.#makersOf, this.#needs.makeOf[i]!, known);
      }
      this.#classes[known]!.members.push(i);
      return;
    }
    const slot = this.#freeSlots.pop() ?? String.fromCharCode(this.#slots++);
    this.#open.set(slot, i);
    this.#slotOf.set(i, slot);
    const isObserver = this.#model.isObserver(input, output);
    if (!isObserver && !this.#needs.isHidden[i]) return;
    // The others were looked at before; with ranks they may have waited for this one to be called.
    const isFree = ({ state, stateKey }: Configuration<State>): boolean =>
      isObserver ? this.#model.step(state, input, output) !== undefined : stateKey === deadKey;
    this.#configurations = this.#configurations.map((one) =>
      this.#ranks !== null || isFree(one) ? this.#settle(one) : one,
    );
  }

  /** All that is free takes effect: observers whose answers fit and, once the state is dead, what nobody needs. */
  #settle(configuration: Configuration<State>): Configuration<State> {
    let { state, stateKey, done, trail } = configuration;
    const take = (slot: string, i: number): void => {
      done = withSlot(done, slot);
      trail = { operation: i, before: trail, length: (trail?.length ?? 0) + 1 };
    };
    for (let again = true; again;) {
      again = false;
      for (const [slot, i] of this.#open) {
        const { input, output } = this.#calls[i]!;
        if (done.includes(slot) || !this.#model.isObserver(input, output) || !this.#mayGo(i, done)) continue;
        if (this.#model.step(state, input, output) === undefined) continue;
        take(slot, i);
        // It may have been what another waits for, by rank.
        again = this.#ranks !== null;
      }
    }
    if (this.#needs.isKnown && (stateKey === deadKey || this.#isDead(stateKey, done, configuration.used))) {
      stateKey = deadKey;
      for (const [slot, i] of this.#open) {
        if (!this.#needs.isHidden[i] || done.includes(slot) || !this.#mayGo(i, done)) continue;
        state = this.#model.step(state, this.#calls[i]!.input, this.#calls[i]!.output)!;
        take(slot, i);
      }
    }
    return trail === configuration.trail && stateKey === configuration.stateKey
      ? configuration
      : { ...configuration, state, stateKey, done, trail };
  }

  /** Whether nobody can do anything with the state any more. */
  #isDead(stateKey: string, done: string, used: readonly number[]): boolean {
    if (this.#needs.isUsedAhead(stateKey) || this.#isNeeded(stateKey, done, -1)) return false;
    return !this.#isLeft(this.#usersOf, stateKey, used);
  }

  /** Whether one of those classes has a member that was not used. */
  #isLeft(classes: ReadonlyMap<string, readonly number[]>, stateKey: string, used: readonly number[]): boolean {
    const own = classes.get(stateKey);
    return own !== undefined && own.some((k) => usedOf(used, k) < this.#classes[k]!.members.length);
  }

  /** Whether somebody other than `besides` needs the state and has not taken effect. */
  #isNeeded(stateKey: string, done: string, besides: number): boolean {
    if (this.#needs.isNeededAhead(stateKey)) return true;
    for (const [slot, i] of this.#open) {
      if (this.#needs.needOf[i] === stateKey && i !== besides && !done.includes(slot)) return true;
    }
    return false;
  }

  /** Whether something other than `besides` can still make the state. */
  #isMade({ stateKey, done, used }: Configuration<State>, besides: number): boolean {
    if (this.#needs.isMadeAhead(stateKey)) return true;
    for (const [slot, i] of this.#open) {
      if (this.#needs.makeOf[i] === stateKey && i !== besides && !done.includes(slot)) return true;
    }
    return this.#isLeft(this.#makersOf, stateKey, used);
  }

  /** Whether `i` may take effect: nobody that is left behind needs the state. */
  #mayLeave(from: Configuration<State>, i: number): boolean {
    if (!this.#needs.isKnown || from.stateKey === deadKey) return true;
    if (this.#needs.makeOf[i] === from.stateKey) return true;
    return !this.#isNeeded(from.stateKey, from.done, i) || this.#isMade(from, i);
  }

  /** Whether nobody of a lower rank is left. */
  #mayGo(i: number, done: string): boolean {
    const rank = this.#ranks?.[i] ?? -1;
    if (rank < 0) return true;
    if (this.#rankAhead < rank) return false;
    for (const [slot, other] of this.#open) {
      const its = this.#ranks![other]!;
      if (its >= 0 && its < rank && !done.includes(slot)) return false;
    }
    return true;
  }

  /** What is left when `i` must have taken effect. */
  #return(i: number): Configuration<State>[] {
    const slot = this.#slotOf.get(i)!;
    const next = new Configurations<State>();
    const seen = new Configurations<State>();
    const stack: Configuration<State>[] = [];
    const take = (one: Configuration<State>): void => {
      if (one.done.includes(slot)) next.add({ ...one, done: withoutSlot(one.done, slot) });
      else if (seen.add(one)) stack.push(one);
    };
    for (const one of this.#configurations) take(one);
    while (stack.length > 0 && this.#spending.over === null) {
      for (const one of this.#successors(stack.pop()!)) {
        this.#spending.make(seen.count + next.count);
        take(one);
      }
    }
    this.#open.delete(slot);
    this.#slotOf.delete(i);
    this.#freeSlots.push(slot);
    return next.list();
  }

  *#successors(from: Configuration<State>): Generator<Configuration<State>> {
    for (const [slot, i] of this.#open) {
      const { input, output } = this.#calls[i]!;
      if (from.done.includes(slot) || this.#model.isObserver(input, output) || !this.#mayGo(i, from.done)) continue;
      if (this.#model.step(from.state, input, output) === undefined || !this.#mayLeave(from, i)) continue;
      yield this.#after(from, i, slot, from.used);
    }
    for (const [k, { members }] of this.#classes.entries()) {
      const i = members[usedOf(from.used, k)];
      if (i === undefined) continue;
      const state = this.#model.step(from.state, this.#calls[i]!.input, undefined);
      if (state === undefined || this.#model.keyOf(state) === this.#model.keyOf(from.state)) continue;
      if (this.#mayLeave(from, i)) yield this.#after(from, i, null, withUse(from.used, k));
    }
  }

  /** What becomes of `from` when `i` takes effect; `slot`: its own, null where its outcome is unknown. */
  #after(from: Configuration<State>, i: number, slot: string | null, used: readonly number[]): Configuration<State> {
    let { done, trail } = from;
    // What nobody needs goes first where this one overwrites it.
    if (this.#needs.isKnown && this.#needs.needOf[i] === null && slot !== null) {
      for (const [other, k] of this.#open) {
        if (k === i || !this.#needs.isHidden[k] || done.includes(other) || !this.#mayGo(k, done)) continue;
        done = withSlot(done, other);
        trail = { operation: k, before: trail, length: (trail?.length ?? 0) + 1 };
      }
    }
    const { input, output } = this.#calls[i]!;
    const state = this.#model.step(from.state, input, output)!;
    if (slot !== null) done = withSlot(done, slot);
    trail = { operation: i, before: trail, length: (trail?.length ?? 0) + 1 };
    return this.#settle({ state, stateKey: this.#model.keyOf(state), done, used, trail });
  }
}

/**
 * Decides `calls`. `ranks`: of two operations with ranks the lower one must come first, -1 has none; null: nobody has.
 */
export function searchGeneral<State, Input, Output>(
  model: Model<State, Input, Output>,
  calls: readonly Call<Input, Output>[],
  ranks: Int32Array | null,
  spending: Spending,
): Found {
  return new Search(model, calls, ranks, spending).run();
}
