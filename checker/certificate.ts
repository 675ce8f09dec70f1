/** From a decision to what is shown of it: a core that is illegal by itself, and a sentence. */
import type { BudgetMeter } from "./engines/budget.ts";
import { decideKey, type Decision } from "./engines/decide.ts";
import { type Reason, sentenceOf } from "./explain.ts";
import type { Operation, Transaction } from "./history.ts";
import { shrink } from "./shrink.ts";
import { plainTimes, type Times } from "./times.ts";

type Any = Operation | Transaction;

/** What an illegal history is shown by. Anybody can check `core` by hand, without the rest of the history. */
export type Certificate = {
  /** Why `core` is illegal, alone. A write that is recorded as failed may be in it, to be seen. */
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
  meter: BudgetMeter,
  times: Times = plainTimes,
): Certificate {
  const { extremal, partial } = decision;
  const say = (kind: Reason, some: readonly Any[], those: readonly Any[]): Certificate => {
    const core = [...some, ...failedWritersOf(kind, those, operations)].toSorted((a, b) => a.call - b.call);
    return { kind, sentence: sentenceOf(kind, those, core, times), core, partial };
  };
  const decide = (part: readonly Operation[]): Decision => decideKey(part, meter.part(configurationsPerTry));
  if (decision.core !== null) {
    const core = withoutIdle(decision.core, (part) => {
      const again = decide(part);
      return again.verdict === "illegal" && again.kind === decision.kind;
    });
    const left = extremal.filter((operation) => core.includes(operation));
    return say(decision.kind, core, left.length === extremal.length ? left : core);
  }
  const moment = extremal.reduce(
    (latest, operation) => Math.max(latest, operation.return ?? operation.call),
    -Infinity,
  );
  const keyed = operations.filter((operation): operation is Operation => operation.op !== "txn");
  if (keyed.length === operations.length) {
    const happened = keyed.filter(({ outcome }) => outcome !== "none");
    const core = shrink(happened, moment, (part) => decide(part).verdict === "illegal");
    const again = decide(core);
    if (again.verdict === "illegal") return say(again.kind, core, again.extremal);
  }
  const before = operations.filter(({ call, outcome }) => call <= moment && outcome !== "none");
  return say(decision.kind, before, extremal);
}

/** Of a value that nobody wrote: who is recorded to have failed to. It changes nothing, but tells much. */
function failedWritersOf(kind: Reason, [one]: readonly Any[], operations: readonly Any[]): readonly Any[] {
  if (kind !== "nobody-wrote" || one === undefined || one.op === "txn") return [];
  const value = one.op === "cas" ? one.value[0] : one.value;
  const failed = operations.filter(
    (other) =>
      other.outcome === "none" &&
      other.op !== "txn" &&
      other.op !== "get" &&
      (other.op === "cas" ? other.value[1] : other.value) === value,
  );
  return failed.slice(0, 1);
}

/** Without reads, and writes whose value nobody else mentions, where the rest is as illegal: the others do not rest on them. */
function withoutIdle(core: readonly Any[], isIllegal: (part: readonly Operation[]) => boolean): readonly Any[] {
  let part = core as readonly Operation[];
  for (const one of part.toReversed()) {
    const value = one.op === "cas" ? one.value[1] : one.value;
    const rest = part.filter((operation) => operation !== one);
    const isNeeded =
      one.op === "delete" ||
      (one.op !== "get" && rest.some((other) => other.value === value || other.value?.[0] === value));
    if (!isNeeded && rest.length > 0 && isIllegal(rest)) part = rest;
  }
  return part;
}
