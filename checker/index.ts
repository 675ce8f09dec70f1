/**
 * Linearizability of histories (Herlihy and Wing 1990). Keys are independent, so each is decided alone; keys that a
 * transaction joins are decided together. Pure: no clock, no chance, nothing of Node; the same history gives the same
 * verdict everywhere.
 */
import { certificateOf } from "./certificate.ts";
import { type Budget, BudgetMeter, type Exceeded } from "./engines/budget.ts";
import { decideKey, type Decision } from "./engines/decide.ts";
import { type Found, searchGeneral } from "./engines/general.ts";
import { decideRows } from "./engines/rows.ts";
import type { Reason } from "./explain.ts";
import type { History, Operation, Transaction } from "./history.ts";
import { type Call, completed, type Model } from "./model.ts";
import { partition } from "./partition.ts";
import type { Times } from "./times.ts";

export type { Budget, Exceeded } from "./engines/budget.ts";
export type { Found as ModelVerdict } from "./engines/general.ts";
export type { Reason } from "./explain.ts";
export type { History, Operation, OutcomeName, Step, Transaction } from "./history.ts";
export type { Call, Model } from "./model.ts";
export type { Times } from "./times.ts";

/** Without a budget of its own the check has a default one. Nothing here changes a verdict but to "unknown". */
export type CheckOptions = Partial<Budget> & {
  /** How the sentence says times; as plain numbers without it. */
  readonly times?: Times;
};

/** The answer of `check`, of three kinds. Only "ok" and "illegal" are proofs, and each brings its own. */
export type Verdict =
  /** `order`: a witness for each key (or keys that transactions join): what happened, in an order that explains every answer. */
  | { readonly verdict: "ok"; readonly order: ReadonlyMap<string, readonly (Operation | Transaction)[]> }
  /** `core`: few operations of the key that no order explains, even alone; `partial`: the longest order that was found. */
  | {
      readonly verdict: "illegal";
      readonly key: string;
      readonly kind: Reason;
      readonly sentence: string;
      readonly core: readonly (Operation | Transaction)[];
      readonly partial: readonly (Operation | Transaction)[];
    }
  /** `limit` of the budget ended the search, or it was stopped, at `at`; `reason` is that in words. Never a pass. */
  | ({
      readonly verdict: "unknown";
      readonly key: string;
      readonly at: Operation | Transaction;
    } & Exceeded);

/**
 * Decides calls on any deterministic model, by the general engine. Orders are indices into `calls`. Throws TypeError where a
 * state is no plain data and the model has no keyOf.
 */
export function checkModel<State, Input, Output>(
  model: Model<State, Input, Output>,
  calls: readonly Call<Input, Output>[],
  options: Partial<Budget> = {},
): Found {
  return searchGeneral(completed(model), calls, null, new BudgetMeter({ ...defaults, ...options }));
}

const defaults: Budget = { configurationsMax: 2_000_000, bytesMax: 1024 * 1024 * 1024, shouldStop: null };

/** Decides `history`. With several keys the first illegal one is told; an unknown one only if none is illegal. */
export function check(history: History, options: CheckOptions = {}): Verdict {
  const meter = new BudgetMeter({ ...defaults, ...options });
  const order = new Map<string, readonly (Operation | Transaction)[]>();
  let open: Verdict | null = null;
  let decided = 0;
  for (const { name, operations, isJoined } of partition(history)) {
    meter.begin(decided / history.length, operations.length / history.length);
    decided += operations.length;
    if (meter.poll()) {
      open ??= { verdict: "unknown", key: name, at: operations[0]!, ...meter.over! };
      break;
    }
    const found: Decision = isJoined ? decideRows(operations, meter) : decideKey(operations as Operation[], meter);
    if (found.verdict === "ok") order.set(name, found.order);
    else if (found.verdict === "illegal")
      return { verdict: "illegal", key: name, ...certificateOf(operations, found, meter, options.times) };
    else open ??= { ...found, key: name };
  }
  return open ?? { verdict: "ok", order };
}
