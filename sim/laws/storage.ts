/** What a directory gives back, and when a node may end: I14 recovery. */
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId } from "../../core/units.ts";
import { must } from "../violation.ts";
import type { LogFacts, NodeFacts } from "./facts.ts";

/** A durable batch is known by its checksum. */
type Batch = { readonly crc: number };

/** I14. A crash has left `left` of a segment of which the batches `crcs` were durable. */
export function durableBatchesMustSurvive(
  whose: string,
  file: string,
  crcs: readonly number[],
  left: readonly Batch[],
): void {
  must(
    crcs.every((crc, k) => left[k]?.crc === crc),
    "I14",
    () => `${whose}: ${crcs.length} batches were durable in ${file}, which holds ${left.length} now`,
  );
}

/** I14. Recovery has found the state of `applied`. */
export function durableStateMustBeRecovered({ id, covered }: NodeFacts, applied: number): void {
  must(applied >= covered, "I14", () => `n${id} finds the state of ${applied}, that of ${covered} was durable`);
}

/**
 * I14. Recovery has found all that was durable of the log and a legal tail, no more and no less. Where the log does not hold
 * the entry of the state of `applied`, that state takes its place. Returns where the log begins.
 */
export function logMustBeRecovered(node: NodeFacts, raft: Raft, applied: number, committed: LogFacts): number {
  const { id, written, writtenHard } = node;
  const keeps = applied <= written.base || written.termAt(applied) === committed.termAt(applied);
  const last = keeps ? written.last : applied;
  const base = keeps ? written.base : applied;
  must(raft.log.lastIndex === last, "I14", () => {
    return `n${id} recovers a log that ends at ${raft.log.lastIndex}, its disk's ends at ${last}`;
  });
  for (let index = raft.log.baseIndex + 1; index <= last; index++) {
    must(raft.log.termAt(index) === written.termAt(index), "I14", () => `n${id} recovers another entry ${index}`);
  }
  must(raft.log.baseIndex === base, "I14", () => {
    return `n${id} recovers a log that begins after ${raft.log.baseIndex}, not ${base}`;
  });
  // One that has just been welcomed begins at that term, its vote spent.
  const isNew = raft.term > writtenHard.term && raft.vote === id;
  must(isNew || (raft.term === writtenHard.term && raft.vote === writtenHard.vote), "I14", () => {
    return `n${id} recovers term ${raft.term}, vote ${raft.vote}; its disk holds ${writtenHard.term}, ${writtenHard.vote}`;
  });
  return base;
}

/** I14. `id` takes part. */
export function directoryMustBeOfThisFormat(id: NodeId, isOfNewerFormat: boolean): void {
  must(!isOfNewerFormat, "I14", () => `n${id} runs in a directory of a newer program`);
}

/** I14. `id` takes part. `runsOnLostLog`: under the store id whose log it has lost. */
export function lostLogMustNotBegin(id: NodeId, runsOnLostLog: boolean): void {
  must(!runsOnLostLog, "I14", () => `n${id} takes part with an empty log in the place of a lost one`);
}

/** I14. An older copy of a directory is put back only where everybody can tell: `id` does not take `from` for a member. */
export function olderCopyMustBeRefused(id: NodeId, from: NodeId, isCopy: boolean, verdict: string): void {
  must(!isCopy || verdict !== "member", "I14", () => `n${id} takes an older copy of n${from} for a member`);
}

/** I14. A node ends itself only where what has happened to it explains that; `explanation`: null where nothing does. */
export function exitMustBeExplained<Kind>(
  id: NodeId,
  reason: string,
  explanation: Kind | null,
): asserts explanation is Kind {
  must(explanation !== null, "I14", () => `n${id} exits: ${reason}`);
}
