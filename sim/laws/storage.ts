/** What a directory gives back, and when a node may end: I14 recovery. */
import type { CompactionPoint } from "../../core/protocol/configuration.ts";
import type { Entry } from "../../core/protocol/entry.ts";
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId } from "../../core/units.ts";
import { must } from "../violation.ts";
import type { Hard, LogFacts, NodeFacts } from "./facts.ts";

/** What a batch says of its place, and its true place. */
type Claimed = {
  readonly isWhole: boolean;
  readonly segment: number;
  readonly offset: number;
  readonly segmentPosition: number;
  readonly syncedThrough: number;
};
type Place = {
  readonly segment: number;
  readonly offset: number;
  readonly end: number;
  readonly durableEnd: number;
  readonly segmentPosition: number | null;
  readonly durableThrough: number;
};

/** I14. A batch is written that a recovery can read where it stands, behind all others, and whose watermark covers no more than is durable. */
export function batchMustBeReadable(whose: string, file: string, claimed: Claimed, place: Place): void {
  const at = `${file} at ${place.offset}`;
  must(place.offset >= place.durableEnd, "I14", () => `${whose} writes over what is durable, in ${at}`);
  must(place.offset === place.end, "I14", () => `${whose} writes to ${at}, where ${place.end} bytes have been written`);
  const isThere = claimed.segment === place.segment && claimed.offset === place.offset;
  const follows = place.segmentPosition === null || claimed.segmentPosition === place.segmentPosition;
  must(claimed.isWhole && isThere && follows, "I14", () => `${whose} writes to ${at} what no recovery can read there`);
  must(claimed.syncedThrough <= place.durableThrough, "I14", () => {
    return `${whose} writes in ${at} a watermark of ${claimed.syncedThrough} bytes of its log, ${place.durableThrough} are durable`;
  });
}

/** I14. A process cuts `file` to `bytes`, of which so many are durable. */
export function durableBytesMustStay(whose: string, file: string, bytes: number, durableBytes: number): void {
  must(bytes >= durableBytes, "I14", () => `${whose} cuts ${file} to ${bytes} bytes, ${durableBytes} are durable`);
}

/** A durable batch, as far as another can take its place. */
type Kept = {
  readonly hard: Hard | null;
  readonly base: CompactionPoint | null;
  readonly entries: readonly Entry[];
};

/** I14. `node` removes a segment with the batches `gone`; those that are `left` must give back all that is durable. */
export function removedSegmentMustNotBeNeeded(
  { id, durable, durableHard }: NodeFacts,
  file: string,
  gone: readonly Kept[],
  left: readonly Kept[],
): void {
  const needed = gone.flatMap(({ entries }) => entries).find(({ index, crc }) => durable.crcAt(index) === crc);
  must(needed === undefined || needed.index <= durable.base, "I14", () => {
    return `n${id} removes ${file}, which alone holds entry ${needed!.index}; its log begins after ${durable.base}`;
  });
  const hard = left.findLast((batch) => batch.hard !== null)?.hard ?? { term: 0, vote: 0 };
  const isHardLeft = hard.term === durableHard.term && hard.vote === durableHard.vote;
  must(isHardLeft, "I14", () => `n${id} removes ${file}, which alone holds its term ${durableHard.term} or its vote`);
  const isBaseLeft = durable.base === 0 || left.some(({ base }) => base?.place.index === durable.base);
  must(isBaseLeft, "I14", () => `n${id} removes ${file}, which alone says that its log begins after ${durable.base}`);
}

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
export function durableStateMustBeRecovered({ id, covered, found }: NodeFacts, applied: number): void {
  const state = Math.max(covered, found);
  must(applied >= state, "I14", () => `n${id} finds the state of ${applied}, that of ${state} is on its disks`);
}

/**
 * I14. Recovery has found all that was durable of the log and a legal tail, no more and no less. Where the log does not hold
 * the entry of the state of `applied`, that state takes its place. Returns where the log begins.
 */
export function logMustBeRecovered(node: NodeFacts, raft: Raft, applied: number, committed: LogFacts): number {
  const { id, written, writtenHard, boundTerm } = node;
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
  // A member that was just accepted begins at that term, its vote spent.
  const hard = writtenHard.term < boundTerm ? { term: boundTerm, vote: id } : writtenHard;
  must(raft.term === hard.term && raft.vote === hard.vote, "I14", () => {
    return `n${id} recovers term ${raft.term}, vote ${raft.vote}; its disk holds ${hard.term}, ${hard.vote}`;
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
