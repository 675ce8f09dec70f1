/** What a page shows of a part of a history: the operations around the core (or the first ones), an order of them, and the states between. */
import { BudgetMeter } from "../engines/budget.ts";
import { observable } from "../engines/columnar-history.ts";
import { searchGeneral } from "../engines/general.ts";
import type { Operation, Transaction } from "../history.ts";
import type { Verdict } from "../index.ts";
import { apply, callOf, keyModel, type CompleteModel } from "../model.ts";
import type { Part } from "../partition.ts";

type Any = Operation | Transaction;

/** Few operations of one part: what one page can show. They are the history's own objects, in order of their calls. */
export type Window = {
  readonly operations: readonly Any[];
  /** How many the part has. */
  readonly total: number;
  readonly core: ReadonlySet<Any>;
  /** A longest order that explains the answers so far, and what the key holds after each; of transactions no states. */
  readonly order: readonly Any[];
  readonly states: readonly (string | null)[];
  /** What must come next and cannot. */
  readonly stuck: readonly Any[];
};

const shownMax = 200;

/** Those nearest to the core in time, all of the core among them; in order of their calls. */
function near(operations: readonly Any[], core: readonly Any[]): Any[] {
  const from = core.reduce((least, { call }) => Math.min(least, call), Infinity);
  const to = core.reduce((most, { call, return: end }) => Math.max(most, end ?? call), -Infinity);
  const distance = ({ call, return: end }: Any): number => Math.max(0, call - to, from - (end ?? Infinity));
  const byDistance = operations.toSorted((a, b) => distance(a) - distance(b));
  return [...new Set([...core, ...byDistance.slice(0, shownMax)])].toSorted((a, b) => a.call - b.call);
}

/** The part that a verdict other than ok is about: what is around its core. It may search again, within a small budget. */
export function windowAround({ operations: own }: Part, verdict: Exclude<Verdict, { verdict: "ok" }>): Window {
  // A core that was not to be had small ends where the contradiction does.
  const core = verdict.verdict === "illegal" ? verdict.core.slice(-shownMax) : [verdict.at];
  const operations = near(own, core);
  const common = { operations, total: own.length, core: new Set(core) };
  const keyed = operations.filter((operation): operation is Operation => operation.op !== "txn");
  if (verdict.verdict === "unknown" || keyed.length < operations.length)
    return { ...common, order: [], states: [], stuck: core };
  // The core alone tells best; where its order is what is asked, all that is shown may stand in it.
  const { order, stuck } = longest(core as readonly Operation[]);
  return { ...common, order, states: statesOf(order), stuck };
}

/** The first operations of another part: by its `order` where it was decided, else by their calls. */
export function windowFromStart({ operations: own }: Part, order: readonly Any[], max = shownMax): Window {
  const first = order.slice(0, max);
  const operations = (first.length > 0 ? [...first] : own.slice(0, max)).toSorted((a, b) => a.call - b.call);
  return { operations, total: own.length, core: new Set(), order: first, states: statesOf(first), stuck: [] };
}

/** One step after the other as the answers allow, without looking ahead at what is needed later. */
const stepByStep: CompleteModel<string | null, Operation, Operation> = {
  initial: keyModel.initial,
  step: keyModel.step,
  keyOf: keyModel.keyOf,
  isObserver: keyModel.isObserver,
  effectOf: keyModel.effectOf,
};

function longest(all: readonly Operation[]): { order: readonly Any[]; stuck: readonly Any[] } {
  const operations = observable(all);
  const budget = { configurationsMax: 20_000, bytesMax: 1e8, shouldStop: null };
  const found = searchGeneral(stepByStep, operations.map(callOf), null, new BudgetMeter(budget));
  if (found.verdict !== "illegal") return { order: [], stuck: [] };
  return { order: found.partial.map((i) => operations[i]!), stuck: [operations[found.at]!] };
}

function statesOf(order: readonly Any[]): (string | null)[] {
  const states: (string | null)[] = [];
  let state: string | null = null;
  for (const operation of order) {
    if (operation.op === "txn") return [];
    state = apply(operation, state) ?? null;
    states.push(state);
  }
  return states;
}
