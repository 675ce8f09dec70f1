/**
 * The limits of nodes that a plan draws on top of its older knobs. In some runs each is so small that its loop runs twice and
 * many times, exactly full and one over; in the others it is so large that nothing reaches it.
 */
import { type LimitName, limitTable, type LimitsOf } from "../../core/limits.ts";
import type { KnobDraws } from "./knobs.ts";

/** By name: what is drawn where a run has small limits; each small value as often as the others. */
const small = {
  bytesPerAppendMax: [1, 200, 1_000],
  bytesPerForwardMax: [1, 100, 500],
  waitingMax: [2, 4],
  unsentRefusalsMax: [1, 2],
  openChangesMax: [1, 2],
  changeOutcomesMax: [1, 2],
  readRoundsMax: [1, 2],
  learnedUrlsMax: [1, 2],
  snapshotBytes: [1_000, 6_000],
  snapshotSliceBytes: [50, 300, 2_000],
  snapshotSyncBytes: [1, 400],
  snapshotBlockItems: [1, 2, 3],
  snapshotBlockBytes: [1, 150, 1_000],
  snapshotTriesMax: [3],
  rowsPerSweepMax: [1, 2, 3],
  sessionsPerScanMax: [1, 2, 3],
} as const satisfies Partial<Record<LimitName, readonly number[]>>;

/** The name of a limit that plans draw, which is the name of its knob too. */
export type DrawnLimit = keyof typeof small;
/** What a run's nodes have of them. */
export type PlanLimits = LimitsOf<DrawnLimit>;

const names = Object.keys(small) as readonly DrawnLimit[];

/** Those that hold a part of the state: with many keys they are larger, so that a snapshot does not take half of a run. */
const growing: readonly DrawnLimit[] = [
  "snapshotSliceBytes",
  "snapshotSyncBytes",
  "snapshotBlockItems",
  "rowsPerSweepMax",
];
/** How much larger. */
const growth = 8;

/** Those that are not as in a node that serves: nothing in a run comes near them. */
const own: Partial<PlanLimits> = { bytesPerAppendMax: 1_000_000, waitingMax: 1_000 };

function usualOf(name: DrawnLimit): number {
  return own[name] ?? limitTable[name].usual;
}

/** Of a run without small limits, and of a tape that does not say. */
export const usualPlanLimits = Object.fromEntries(names.map((name) => [name, usualOf(name)])) as PlanLimits;

/** In two of three runs some of them are small, each in one of two. */
export function drawLimits(draws: KnobDraws, keys: number): PlanLimits {
  if (!draws.pick("smallLimits", [false, true, true])) return usualPlanLimits;
  const drawn = names.map((name): readonly [DrawnLimit, number] => {
    const choices: readonly number[] = small[name];
    const place = Math.floor(draws.share(name) * 2 * choices.length);
    const value = choices[place];
    if (value === undefined) return [name, usualOf(name)];
    return [name, keys > fewKeys && growing.includes(name) ? value * growth : value];
  });
  return Object.fromEntries(drawn) as PlanLimits;
}

/** So many keys are all hot. */
export const fewKeys = 4;
