/**
 * Linearizability of key-value histories (Herlihy and Wing 1990). Keys are independent, so each is decided alone.
 * Pure: no clock, no chance, nothing of Node; the same history gives the same verdict everywhere.
 */
import type { History, Operation } from "./history.ts";
import { describe } from "./describe.ts";
import { search } from "./search.ts";

export type { History, Operation, OutcomeName } from "./history.ts";
export { parseJsonLines, printJsonLines, HistoryError } from "./jsonl.ts";

export type CheckOptions = {
  /** How many configurations (sets of linearized operations with a state) may be visited a key. */
  readonly configurationsMax: number;
};

export type Verdict =
  /** `order`: a witness for each key: the operations that happened, in an order that explains every answer. */
  | { readonly verdict: "ok"; readonly order: ReadonlyMap<string, readonly Operation[]> }
  /** `operations`: the key's shortest prefix (by time) that no order explains; the last of them is the one that cannot be. */
  | {
      readonly verdict: "illegal";
      readonly key: string;
      readonly sentence: string;
      readonly operations: readonly Operation[];
    }
  | { readonly verdict: "unknown"; readonly key: string; readonly reason: string };

/** Decides `history`. An `unknown` is never a pass: the budget ended first. */
export function check(history: History, options: CheckOptions): Verdict {
  const order = new Map<string, readonly Operation[]>();
  let open: { key: string; reason: string } | null = null;
  for (const [key, operations] of byKey(history)) {
    const found = search(operations, options.configurationsMax);
    if (found.verdict === "ok") order.set(key, found.order);
    else if (found.verdict === "unknown") open ??= { key, reason: found.reason };
    else {
      const prefix = shortestIllegalPrefix(operations, options.configurationsMax);
      return { verdict: "illegal", key, sentence: describe(prefix), operations: prefix };
    }
  }
  return open === null ? { verdict: "ok", order } : { verdict: "unknown", ...open };
}

function byKey(history: History): Map<string, Operation[]> {
  const groups = new Map<string, Operation[]>();
  for (const operation of history) {
    const group = groups.get(operation.key);
    if (group === undefined) groups.set(operation.key, [operation]);
    else group.push(operation);
  }
  return groups;
}

/** Cuts the history at the earliest return that makes it illegal; what has not returned by then is unknown. */
function shortestIllegalPrefix(operations: readonly Operation[], configurationsMax: number): readonly Operation[] {
  const returns = operations.flatMap((operation) => operation.return ?? []).toSorted((a, b) => a - b);
  const prefixUntil = (time: number): Operation[] => {
    const called = operations.filter((operation) => operation.call <= time && operation.outcome !== "none");
    const cut = called.map((operation): Operation => {
      const isOpen = operation.return === null || operation.return > time;
      return isOpen ? { ...operation, return: null, outcome: "unknown" } : operation;
    });
    return cut.toSorted((a, b) => (a.return ?? Infinity) - (b.return ?? Infinity) || a.call - b.call);
  };
  // Legality is monotonic: a prefix of a linearizable history is linearizable.
  let low = 0;
  let high = returns.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (search(prefixUntil(returns[middle]!), configurationsMax).verdict === "illegal") high = middle;
    else low = middle + 1;
  }
  const prefix = prefixUntil(returns[low]!);
  const finished = prefix.filter((operation) => operation.return !== null);
  const unfinished = prefix.filter((operation) => operation.return === null);
  return [...unfinished, ...finished];
}
