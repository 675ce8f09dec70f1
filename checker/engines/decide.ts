/** One key: which engine decides it, from the fastest that can to the general one. */
import type { Operation, Transaction } from "../history.ts";
import { callOf, keyModel } from "../model.ts";
import { appendModel } from "./appends.ts";
import { Blocks, type Contradiction, type Ordered, uniqueWriters } from "./blocks.ts";
import type { BudgetMeter, Exceeded } from "./budget.ts";
import { absent, ColumnarHistory, kinds, observable } from "./columnar-history.ts";
import { conflictCore } from "./conflict-core.ts";
import { searchGeneral } from "./general.ts";
import { insertMismatches } from "./mismatches.ts";
import { orderByRevisions, ranksOf } from "./revisions.ts";
import { orderZones } from "./zones.ts";
import { orderWithAbsence } from "./sweep.ts";

type Any = Operation | Transaction;

/** The verdict on one key, or on keys that transactions join. "unknown": the budget ended when `at` was to return. */
export type Decision =
  | { readonly verdict: "ok"; readonly order: readonly Any[] }
  | {
      readonly verdict: "illegal";
      readonly kind: Contradiction["kind"] | "search";
      /** The extremal operations of the contradiction; after a search, the operation that fits nowhere. */
      readonly extremal: readonly Any[];
      /** What is illegal by itself, where that is known at once. */
      readonly core: readonly Any[] | null;
      /** The longest order of what had been called by then; empty where none was looked for. */
      readonly partial: readonly Any[];
    }
  | ({ readonly verdict: "unknown"; readonly at: Any } & Exceeded);

/** What no faster engine knows: values that join, and a compare-and-set that makes the key absent. */
function isForSearch(operation: Operation): boolean {
  return operation.op === "append" || (operation.op === "cas" && operation.value[1] === null);
}

/** Decides the operations of one key, which is absent at first. */
export function decideKey(all: readonly Operation[], meter: BudgetMeter): Decision {
  const operations = observable(all);
  const { ranks, isComplete } = ranksOf(operations);
  if (operations.some(isForSearch)) return decideGeneral(operations, ranks, meter);
  const column = new ColumnarHistory(operations);
  const writer = uniqueWriters(column);
  if (writer !== null) {
    const found = ranks !== null && isComplete ? orderByRevisions(column, ranks, writer) : null;
    const decided = found ?? orderByBlocks(column, writer);
    if (decided?.ok === false) return contradicted(column, writer, decided.contradiction);
    if (decided !== null && (found !== null || ranks === null || keepsRanks(decided.order, ranks))) {
      return { verdict: "ok", order: Array.from(decided.order, (i) => operations[i]!) };
    }
  }
  return decideGeneral(operations, ranks, meter);
}

function contradicted(column: ColumnarHistory, writer: Int32Array, { kind, operations }: Contradiction): Decision {
  const pick = (some: readonly number[]): Operation[] => some.map((i) => column.operations[i]!);
  const few = kind === "null" || kind === "revisions" ? [] : conflictCore(column, writer, operations);
  // Absence has no one writer where there are deletes, and revisions speak of all that is between: then what is enough is
  // found by trying.
  const isEnough = few.length > 0 && !few.some((i) => column.hasDeletes && beginsFromAbsence(column, i));
  return { verdict: "illegal", kind, extremal: pick(operations), core: isEnough ? pick(few) : null, partial: [] };
}

function beginsFromAbsence({ kind, expected }: ColumnarHistory, i: number): boolean {
  return kind[i] === kinds.cas && expected[i] === absent;
}

/** Null: an order was found, but none that also has a place for each compare-and-set that failed. */
export function orderByBlocks(column: ColumnarHistory, writer: Int32Array): Ordered | null {
  const repeats = column.hasDeletes;
  const blocks = new Blocks(column, writer, repeats);
  if (blocks.contradiction !== null) return { ok: false, contradiction: blocks.contradiction };
  if (repeats) {
    const ordered = orderWithAbsence(blocks);
    return ordered.ok ? withMismatches(column, ordered.order) : ordered;
  }
  const zones = orderZones(blocks);
  if (!zones.ok) return zones;
  const order = new Int32Array(column.length);
  let at = 0;
  for (const block of zones.order) {
    blocks.emit(block, (operation) => {
      order[at++] = operation;
    });
  }
  return withMismatches(column, order.subarray(0, at));
}

function withMismatches(column: ColumnarHistory, order: Int32Array): Ordered | null {
  const all = insertMismatches(column, order);
  return all === null ? null : { ok: true, order: all };
}

function keepsRanks(order: Int32Array, ranks: Int32Array): boolean {
  let highest = -1;
  for (const i of order) {
    const rank = ranks[i]!;
    if (rank >= 0 && rank < highest) return false;
    highest = Math.max(highest, rank);
  }
  return true;
}

/** The values that some answer shows, or some compare-and-set expects. */
function mentioned(operations: readonly Operation[]): Set<string | null> {
  const seen = new Set<string | null>([null]);
  for (const operation of operations) {
    if (operation.op === "get") seen.add(operation.value);
    if (operation.op === "cas") seen.add(operation.value[0]);
  }
  return seen;
}

/** The indices without unknown writes that nobody can have seen: they could only hide a value, which helps none but a mismatch. */
function pruneUnobserved(operations: readonly Operation[], seen: ReadonlySet<string | null>): number[] {
  const all = operations.map((_, i) => i);
  if (operations.some(({ outcome }) => outcome === "mismatch")) return all;
  return all.filter((i) => {
    const operation = operations[i]!;
    if (operation.outcome !== "unknown" || operation.op === "delete") return true;
    return seen.has(operation.op === "cas" ? operation.value[1] : operation.value);
  });
}

/** All values that nobody mentions are one to everybody: which of them it is makes no difference. */
function canonicalise(operation: Operation, seen: ReadonlySet<string | null>, unseen: string): Operation {
  if (operation.op === "put" && !seen.has(operation.value)) return { ...operation, value: unseen };
  if (operation.op === "cas" && !seen.has(operation.value[1]))
    return { ...operation, value: [operation.value[0], unseen] };
  return operation;
}

/** What the general engine searches: which operations, and as what; appends join values, and stay as they are. */
function searched(operations: readonly Operation[]): { useful: number[]; asked: Operation[] } {
  if (operations.some(({ op }) => op === "append"))
    return { useful: operations.map((_, i) => i), asked: [...operations] };
  const seen = mentioned(operations);
  const useful = pruneUnobserved(operations, seen);
  let unseen = "unseen";
  while (seen.has(unseen)) unseen += "'";
  return { useful, asked: useful.map((i) => canonicalise(operations[i]!, seen, unseen)) };
}

/** The general engine. `operations` are `telling`, and `ranks` belong to them. */
export function decideGeneral(
  operations: readonly Operation[],
  ranks: Int32Array | null,
  meter: BudgetMeter,
): Decision {
  const { useful, asked } = searched(operations);
  const calls = asked.map(callOf);
  const usefulRanks = ranks === null ? null : Int32Array.from(useful, (i) => ranks[i]!);
  const appends = operations.some(({ op }) => op === "append") ? appendModel(operations) : null;
  const found =
    appends === null
      ? searchGeneral(keyModel, calls, usefulRanks, meter)
      : searchGeneral(appends, calls, usefulRanks, meter);
  const pick = (order: readonly number[]): Operation[] => order.map((k) => operations[useful[k]!]!);
  if (found.verdict === "ok") return { verdict: "ok", order: pick(found.order) };
  const [at] = pick([found.at]);
  if (found.verdict === "unknown") return { ...found, at: at! };
  return { verdict: "illegal", kind: "search", extremal: [at!], core: null, partial: pick(found.partial) };
}
