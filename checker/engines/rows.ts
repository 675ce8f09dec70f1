/** Several keys that transactions join: the general engine alone. */
import type { Operation, Transaction } from "../history.ts";
import { callOf, rowsModel } from "../model.ts";
import type { BudgetMeter } from "./budget.ts";
import type { Decision } from "./decide.ts";
import { searchGeneral } from "./general.ts";

type Any = Operation | Transaction;

/** `all`: operations and transactions of the joined keys, those too that did not happen. */
export function decideRows(all: readonly Any[], meter: BudgetMeter): Decision {
  const operations = all.filter(({ outcome }) => outcome !== "none");
  const found = searchGeneral(rowsModel, operations.map(callOf), null, meter);
  const pick = (order: readonly number[]): Any[] => order.map((i) => operations[i]!);
  if (found.verdict === "ok") return { verdict: "ok", order: pick(found.order) };
  const at = operations[found.at]!;
  if (found.verdict === "unknown") return { ...found, at };
  return { verdict: "illegal", kind: "search", extremal: [at], core: null, partial: pick(found.partial) };
}
