/** The families of faults: the number of each, how strong it may be drawn, and in which tiers and on which links it exists. */

/** Numbers are part of the meaning of seeds and tapes, and never reused. */
export const familyNumbers = {
  loss: 0,
  duplication: 1,
  delayTail: 2,
  partition: 3,
  oneWay: 4,
  clientPartition: 5,
  powerCut: 6,
  kill: 7,
  fastRestart: 8,
  pause: 9,
  diskStall: 10,
  syncFailure: 11,
  clockDrift: 12,
  rowsLost: 13,
  logDamaged: 14,
  brokenLink: 15,
  bridge: 16,
  ring: 17,
  flapping: 18,
  clog: 19,
  targeted: 20,
  replaced: 21,
  writeFailure: 22,
  readFailure: 23,
  diskLost: 24,
  corruption: 25,
  syncLie: 26,
  reset: 27,
  slow: 28,
  clockStall: 29,
  misread: 30,
  newerFormat: 31,
  misdirected: 32,
  leaderIsolated: 33,
  logMissing: 34,
  monitor: 35,
  gracefulStop: 36,
  moved: 37,
  stranger: 38,
  burst: 39,
  rowsReadFailure: 40,
  segmentMissing: 41,
  olderCopy: 42,
  lateMessages: 43,
} as const;
/** Named in plans, tapes and on the command line. Draws are keyed by its number. */
export type FaultFamily = keyof typeof familyNumbers;
/** In the order of the table of their numbers. */
export const faultFamilies = Object.keys(familyNumbers) as readonly FaultFamily[];

/** The family with the number `number`, as a tape has it. */
export function familyOfNumber(number: number): FaultFamily | undefined {
  return faultFamilies.find((family) => familyNumbers[family] === number);
}

/** What the family `targeted` does at its moment; draws choose by the place here. */
export const targetedActions = ["restart", "kill", "isolate", "mute", "brokenLink", "pause"] as const;
/** What a targeted fault does to its node. */
export type TargetedAction = (typeof targetedActions)[number];

/** A clock drifts all the time; a targeted fault counts by what it does; monitors, strangers and bursts harm nobody. */
const notMarked = ["clockDrift", "targeted", "monitor", "stranger", "burst"] as const;

/** Whether a strike of the family is marked under the family's own name. */
export function isMarked(family: FaultFamily): family is Exclude<FaultFamily, (typeof notMarked)[number]> {
  return !(notMarked as readonly FaultFamily[]).includes(family);
}

/** What a campaign counts a strike as. */
export type CoverageMark = Exclude<FaultFamily, (typeof notMarked)[number]> | `targeted ${TargetedAction}`;

/**
 * How much may be lost. a: after every loss each committed entry is still durable on a majority of each current voter set, and
 * the cluster must come back to life. b: any number of losses that a node can notice: it may halt, and never answers wrong.
 * c: lies that no node can notice; a wrong answer is allowed once one has taken effect.
 */
export const tiers = ["a", "b", "c"] as const;
/** The tier of a run; `tiers` says what each allows. */
export type Tier = (typeof tiers)[number];

/** Families that only other tiers have. */
const tiersOf: Partial<Record<FaultFamily, readonly Tier[]>> = {
  diskLost: ["b"],
  syncLie: ["c"],
  misdirected: ["c"],
  olderCopy: ["b", "c"],
};

/** Messages that travel by themselves find their node wherever it is, and meet no connection. */
export const needsStreams: ReadonlySet<FaultFamily> = new Set<FaultFamily>(["reset", "moved", "burst", "olderCopy"]);

/** A stream loses nothing, and nothing twice, while it lasts; and what it held is gone when it ends. */
function onStreams(family: FaultFamily): boolean {
  return family !== "loss" && family !== "duplication" && family !== "lateMessages";
}

/** Whether runs of `tier` know the family, with messages on streams or one by one. */
export function existsIn(family: FaultFamily, tier: Tier, streams: boolean): boolean {
  if (tiersOf[family]?.includes(tier) === false) return false;
  return streams ? onStreams(family) : !needsStreams.has(family);
}

/** How strong a family may be drawn, in parts in a million. */
export const strengths: Readonly<Record<FaultFamily, readonly number[]>> = {
  loss: [5_000, 50_000, 200_000],
  duplication: [10_000, 100_000],
  delayTail: [2_000, 20_000],
  partition: [30_000, 120_000],
  oneWay: [30_000, 120_000],
  clientPartition: [30_000, 100_000],
  powerCut: [10_000, 60_000],
  kill: [10_000, 60_000],
  fastRestart: [30_000, 100_000],
  pause: [10_000, 50_000],
  diskStall: [5_000, 30_000],
  syncFailure: [500, 5_000],
  clockDrift: [2_000, 9_000],
  rowsLost: [200_000, 600_000],
  logDamaged: [200_000, 600_000],
  brokenLink: [30_000, 120_000],
  bridge: [20_000, 60_000],
  ring: [20_000, 60_000],
  flapping: [20_000, 60_000],
  clog: [30_000, 120_000],
  targeted: [30_000, 100_000, 300_000],
  replaced: [20_000, 80_000],
  writeFailure: [100, 1_000],
  readFailure: [2_000, 20_000],
  diskLost: [100_000, 300_000],
  corruption: [2_000, 20_000],
  syncLie: [10_000, 100_000],
  reset: [30_000, 120_000],
  slow: [20_000, 80_000],
  clockStall: [20_000, 80_000],
  misread: [200_000, 600_000],
  newerFormat: [100_000, 300_000],
  misdirected: [2_000, 20_000],
  leaderIsolated: [10_000, 50_000, 200_000],
  logMissing: [200_000, 600_000],
  monitor: [50_000, 300_000],
  gracefulStop: [10_000, 60_000],
  moved: [100_000, 500_000],
  stranger: [30_000, 200_000],
  burst: [50_000, 200_000],
  rowsReadFailure: [2_000, 20_000],
  segmentMissing: [200_000, 600_000],
  olderCopy: [30_000, 120_000],
  lateMessages: [30_000, 120_000],
};
