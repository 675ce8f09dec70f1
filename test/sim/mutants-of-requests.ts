/** Mutants of what becomes of requests where something is full, not open yet, or about to end. */
import type { Mutant } from "../support/mutation.ts";

export const mutantsOfRequests: readonly Mutant[] = [
  {
    name: "a forward that found no room counts as sent",
    layer: "requests",
    file: "core/node/pending-writes.ts",
    old: "if (!send({ to: raft.leader, message })) {",
    new: "if (!send({ to: raft.leader, message }) && this.#seq < 0) {",
  },
  {
    name: "a refused write is not queued again",
    layer: "requests",
    file: "core/node/pending-writes.ts",
    old: 'this.#queueAgain(waiter, "refused");',
    new: 'this.#fail(waiter, "refused", true);',
  },
  {
    name: "a forward whose place a snapshot has taken certainly did not happen",
    layer: "requests",
    file: "core/node/pending-writes.ts",
    old: "const neverHappens = isApplied && waiter.index === 0 && !waiter.isSkipped;",
    new: "const neverHappens = isApplied && waiter.index === 0;",
  },
  {
    name: "a stale read is answered before anything is applied",
    layer: "requests",
    file: "core/node/catch-up.ts",
    old: "return index >= this.#floor && index >= this.#raft.log.baseIndex;",
    new: "return index >= 0;",
  },
  {
    name: "a read that the store does not answer has no deadline",
    layer: "requests",
    file: "core/node/pending-reads.ts",
    old: "    batch.isReading = true;\n",
    new: "    batch.isReading = true;\n    this.#batches.delete(batch.id);\n    this.#batches.set(batch.id, { ...batch, deadline: Infinity });\n",
  },
  {
    name: "a moment's silence refuses a removal",
    layer: "requests",
    file: "core/node/pending-changes.ts",
    old: 'if (trouble === "no-majority-left" && isPatient) return null;',
    new: "",
  },
  {
    name: "a leader waits for a voter that does not answer, to hand over to it",
    layer: "requests",
    file: "core/node/pending-changes.ts",
    old: 'return isPatient || !isDefinite || open.hasHandedOver ? null : "not-caught-up";',
    new: "return null;",
  },
  {
    name: "a learner that does not answer is promoted by hand",
    layer: "requests",
    file: "core/node/pending-changes.ts",
    old: "return isFit(id) && match >=",
    new: "return match >=",
  },
];
