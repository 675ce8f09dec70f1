/** From a decision to what is shown of it: a core that is illegal by itself, and a sentence. */
import type { Spending } from "./engines/budget.ts";
import { decideKey, type Decision } from "./engines/decide.ts";
import { plainTimes, type Reason, sentenceOf, type Times } from "./explain.ts";
import type { Operation, Transaction } from "./history.ts";
import { shrink } from "./shrink.ts";

type Any = Operation | Transaction;

export type Certificate = {
  /** Why `core` is illegal, alone. */
  readonly kind: Reason;
  readonly sentence: string;
  /** In order of the calls. */
  readonly core: readonly Any[];
  readonly partial: readonly Any[];
};

const configurationsPerTry = 50_000;

/** `operations`: all of the key. */
export function certificateOf(
  operations: readonly Any[],
  decision: Decision & { verdict: "illegal" },
  spending: Spending,
  times: Times = plainTimes,
): Certificate {
  const { extremal, partial } = decision;
  const say = (kind: Reason, some: readonly Any[], those: readonly Any[]): Certificate => {
    const core = some.toSorted((a, b) => a.call - b.call);
    return { kind, sentence: sentenceOf(kind, those, core, times), core, partial };
  };
  if (decision.core !== null) return say(decision.kind, decision.core, extremal);
  const decide = (part: readonly Operation[]): Decision => decideKey(part, spending.part(configurationsPerTry));
  const moment = Math.max(...extremal.map((operation) => operation.return ?? operation.call));
  const keyed = operations.filter((operation): operation is Operation => operation.op !== "txn");
  if (keyed.length === operations.length) {
    const core = shrink(keyed, moment, (part) => decide(part).verdict === "illegal");
    const again = decide(core);
    if (again.verdict === "illegal") return say(again.kind, core, again.extremal);
  }
  const before = operations.filter(({ call, outcome }) => call <= moment && outcome !== "none");
  return say(decision.kind, before, extremal);
}
