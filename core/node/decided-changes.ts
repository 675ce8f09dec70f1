/**
 * What a leader has answered to change requests in its term. A request that comes again, by a retry or by a copy that was
 * long on its way, is answered with the same words and never decided again: a refusal could not be trusted as definite, and a
 * change that was undone since would be made again.
 */
import type { ChangeOutcome } from "../protocol/message.ts";
import type { Index, NodeId } from "../units.ts";

/** Which change request: sequence numbers begin again with each start (`boot`) of each incarnation of the asking node. */
export type ChangeKey = {
  readonly node: NodeId;
  readonly incarnation: Index;
  readonly boot: number;
  readonly seq: number;
};

/** One start of one incarnation of a node. */
type Asker = {
  readonly incarnation: Index;
  readonly boot: number;
  readonly outcomes: Map<number, ChangeOutcome>;
  /** Every sequence number up to here may have been decided, and its answer is forgotten. */
  forgottenSeq: number;
};

function isEarlier(key: ChangeKey, asker: Asker): boolean {
  if (key.incarnation !== asker.incarnation) return key.incarnation < asker.incarnation;
  return key.boot < asker.boot;
}

/** The answers of one leader in one term. It is bounded: of each asker only the newest ones are kept. */
export class DecidedChanges {
  readonly #outcomesMax: number;
  readonly #askers = new Map<NodeId, Asker>();

  /** `outcomesMax`: kept for each asker. A request that comes after more later ones were decided is never answered. */
  constructor(outcomesMax: number) {
    this.#outcomesMax = outcomesMax;
  }

  /** A new term: what was decided before is asked for again by nobody who could be answered here. */
  clear(): void {
    this.#askers.clear();
  }

  add(key: ChangeKey, outcome: ChangeOutcome): void {
    const { node, incarnation, boot, seq } = key;
    let asker = this.#askers.get(node);
    if (asker !== undefined && isEarlier(key, asker)) return;
    if (asker === undefined || asker.incarnation !== incarnation || asker.boot !== boot) {
      asker = { incarnation, boot, outcomes: new Map(), forgottenSeq: 0 };
      this.#askers.set(node, asker);
    }
    asker.outcomes.set(seq, outcome);
    if (asker.outcomes.size <= this.#outcomesMax) return;
    for (const first of asker.outcomes.keys()) {
      asker.outcomes.delete(first);
      asker.forgottenSeq = Math.max(asker.forgottenSeq, first);
      return;
    }
  }

  /** Its answer; null: it was never decided; "forgotten": perhaps it was, and it must not be judged again. */
  outcomeOf(key: ChangeKey): ChangeOutcome | "forgotten" | null {
    const asker = this.#askers.get(key.node);
    if (asker === undefined) return null;
    if (isEarlier(key, asker)) return "forgotten";
    if (asker.incarnation !== key.incarnation || asker.boot !== key.boot) return null;
    return asker.outcomes.get(key.seq) ?? (key.seq <= asker.forgottenSeq ? "forgotten" : null);
  }
}
