/**
 * The numbers that a run begins with. Most runs begin near 0, as a new cluster does. Some begin as a cluster that has lived
 * for long, with each number a little below a place where a representation of numbers ends, or a text of them grows.
 */
import type { KnobDraws } from "./knobs.ts";

/** All of them are 0 where a cluster is founded in the run. */
export type Origin = {
  /** Index and term of the last entry, which is in a snapshot, and the term that all founders are in. */
  readonly index: number;
  readonly term: number;
  /** Starts of each founder's directory before the run. */
  readonly boot: number;
  /** The cluster time of the last entry; and what is added to what each clock shows. */
  readonly clusterMicros: number;
  readonly clockMicros: number;
  /** The sequence that a client begins its sessions behind. */
  readonly sequence: number;
  /** The number of the oldest segment, and where it begins in the whole log, in bytes. */
  readonly segment: number;
  readonly position: number;
};

/** Of a cluster that is founded in the run. */
export const noOrigin: Origin = {
  index: 0,
  term: 0,
  boot: 0,
  clusterMicros: 0,
  clockMicros: 0,
  sequence: 0,
  segment: 0,
  position: 0,
};

/** A run goes no further than this: what begins so far below the largest integer stays exact. */
const countRoom = 2 ** 24;
const microsRoom = 2 ** 40;
const largest = 2 ** 53;

/** Where a run shall cross: the sign of 32 bits, 32 bits, and powers of ten; and, never to be crossed, the exact integers. */
const crossings = [2 ** 31, 2 ** 32, 10 ** 4, 10 ** 6, 10 ** 10];
/** Bits of the number in a segment's name. */
const segmentCrossings = [16, 2 ** 16, 2 ** 31, 2 ** 32, 2 ** 40];

/** In so many of a hundred runs. */
const percent = 15;

/** `most`: how far below a crossing it begins, drawn below that. */
function below(draws: KnobDraws, what: "originIndex" | "originTerm" | "originBoot" | "originSequence", most: number) {
  const share = draws.share(what);
  const choices = [...crossings, largest - countRoom];
  const at = Math.floor(share * choices.length);
  return choices[at]! - 1 - Math.floor((share * choices.length - at) * most);
}

/** What the run begins with. */
export function drawOrigin(draws: KnobDraws): Origin {
  if (draws.share("origin") * 100 >= percent) return noOrigin;
  const micros = [2 ** 31, 2 ** 32, 10 ** 12, 2 ** 50, largest - microsRoom];
  return {
    index: below(draws, "originIndex", 40),
    term: below(draws, "originTerm", 3),
    boot: below(draws, "originBoot", 4),
    clusterMicros: draws.pick("originClusterMicros", micros) - 5_000_000,
    clockMicros: draws.pick(
      "originClockMicros",
      [0, ...micros.map((one) => one - 500_000_000)].map((one) => Math.max(0, one)),
    ),
    sequence: below(draws, "originSequence", 6),
    segment: draws.pick("originSegment", segmentCrossings) - 2,
    position: draws.pick("originPosition", [2 ** 31, 2 ** 32, 2 ** 50]) - 2_048,
  };
}

/** Whether the cluster has lived before the run. */
export function hasLived({ index }: Origin): boolean {
  return index > 0;
}
