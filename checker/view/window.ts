/** What a page shows of a key: the operations around the core (or the first ones), an order of them, and the states between. */
import { BudgetMeter } from "../engines/budget.ts";
import { observable } from "../engines/columnar-history.ts";
import { searchGeneral } from "../engines/general.ts";
import type { History, Operation, Transaction } from "../history.ts";
import type { Verdict } from "../index.ts";
import { apply, callOf, keyModel, type CompleteModel } from "../model.ts";

type Any = Operation | Transaction;

/** At most about 200 operations: what one page can show. Operations are the history's own objects. */
export type Window = {
  readonly key: string;
  readonly operations: readonly Any[];
  /** How many the key has. */
  readonly total: number;
  readonly core: ReadonlySet<Any>;
  /** A longest order that explains the answers so far, and what the key holds after each; of transactions no states. */
  readonly order: readonly Any[];
  readonly states: readonly (string | null)[];
  /** What must come next and cannot. */
  readonly stuck: readonly Any[];
};

const shownMax = 200;

function keysOf(operation: Any): readonly string[] {
  return operation.op === "txn" ? operation.value.map(([, key]) => key) : [operation.key];
}

/** Those nearest to the core in time, all of the core among them; in order of their calls. */
function near(operations: readonly Any[], core: readonly Any[]): Any[] {
  const from = core.reduce((least, { call }) => Math.min(least, call), Infinity);
  const to = core.reduce((most, { call, return: end }) => Math.max(most, end ?? call), -Infinity);
  const distance = ({ call, return: end }: Any): number => Math.max(0, call - to, from - (end ?? Infinity));
  const byDistance = operations.toSorted((a, b) => distance(a) - distance(b));
  return [...new Set([...core, ...byDistance.slice(0, shownMax)])].toSorted((a, b) => a.call - b.call);
}

/** Of the key that the verdict is about; of a legal history the first one. It may search again, within a small budget. */
export function windowOf(history: History, verdict: Verdict): Window {
  const first = history[0];
  const key =
    verdict.verdict === "ok"
      ? ([...verdict.order.keys()][0] ?? (first === undefined ? "" : keysOf(first)[0]!))
      : verdict.key;
  const names = new Set(verdict.verdict === "ok" ? [key] : key.split(", "));
  const own = history.filter((operation) => keysOf(operation).some((one) => one === key || names.has(one)));
  if (verdict.verdict === "ok") {
    const order = (verdict.order.get(key) ?? []).slice(0, shownMax);
    const shown = new Set(order);
    const operations = own.filter((operation) => shown.has(operation)).toSorted((a, b) => a.call - b.call);
    return { key, operations, total: own.length, core: new Set(), order, states: statesOf(order), stuck: [] };
  }
  // A core that was not to be had small ends where the contradiction does.
  const core = verdict.verdict === "illegal" ? verdict.core.slice(-shownMax) : [verdict.at];
  const operations = near(own, core);
  const common = { key, operations, total: own.length, core: new Set(core) };
  const keyed = operations.filter((operation): operation is Operation => operation.op !== "txn");
  if (verdict.verdict === "unknown" || keyed.length < operations.length)
    return { ...common, order: [], states: [], stuck: core };
  // The core alone tells best; where its order is what is asked, all that is shown may stand in it.
  const { order, stuck } = longest(core as readonly Operation[]);
  return { ...common, order, states: statesOf(order), stuck };
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
