/**
 * The knobs of a plan, each with its number, and what a seed draws for them. All that is drawn of a knob or of a family of
 * faults is keyed by its number, never by its name or its place in a list: a new name changes no run, and a new knob
 * changes no other.
 */
import alea from "seedrandom/lib/alea.js";
import { familyNumbers, type FaultFamily } from "./families.ts";

/** Numbers are part of a seed's meaning and never reused. */
export const planKnobs = {
  streams: 1,
  streamsOfTierB: 2,
  clients: 3,
  electionMicros: 4,
  nodes: 5,
  keys: 6,
  thinkMicros: 7,
  patienceMicros: 8,
  quietMicros: 9,
  valueBytes: 10,
  safetyMicros: 11,
  queueBytesMax: 12,
  unsentBytesMax: 13,
  latencyMicros: 14,
  syncMicros: 15,
  heartbeatMicros: 16,
  requestMicros: 17,
  entriesPerAppendMax: 18,
  entriesInFlightMax: 19,
  entriesPerApplyMax: 20,
  uncommittedBytesMax: 21,
  walSegmentBytesMax: 22,
  snapshotEntries: 23,
  trailingEntries: 24,
  trailingBytes: 25,
  snapshotChunkBytes: 26,
  operatorMicros: 27,
  casPercent: 28,
  sessions: 29,
  sessionLimits: 30,
  engines: 31,
  leasePercent: 32,
  bytesInFlightMax: 33,
  messagesInFlightMax: 34,
  smallLimits: 35,
  bytesPerAppendMax: 36,
  bytesPerForwardMax: 37,
  waitingMax: 38,
  unsentRefusalsMax: 39,
  openChangesMax: 40,
  changeOutcomesMax: 41,
  readRoundsMax: 42,
  learnedUrlsMax: 44,
  snapshotBytes: 45,
  snapshotSliceBytes: 46,
  snapshotSyncBytes: 47,
  snapshotBlockItems: 48,
  snapshotBlockBytes: 49,
  snapshotTriesMax: 50,
  rowsPerSweepMax: 51,
  sessionsPerScanMax: 52,
  manyKeys: 53,
  keysOfMany: 54,
  valueEdges: 55,
  sessionUses: 56,
  origin: 57,
  originIndex: 58,
  originTerm: 59,
  originBoot: 60,
  originClusterMicros: 61,
  originClockMicros: 62,
  originSequence: 63,
  originSegment: 64,
  originPosition: 65,
} as const;
/** The name of a knob, in plans and tapes. */
export type Knob = keyof typeof planKnobs;

/** Raised when the meaning of a seed changes for its plan alone. */
const planVersion = 5;

/** What one seed draws for its plan. */
export class KnobDraws {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** In [0, 1). */
  share(knob: Knob): number {
    return this.#draw(`knob ${planKnobs[knob]}`);
  }

  pick<T>(knob: Knob, choices: readonly T[]): T {
    return choices[Math.floor(this.share(knob) * choices.length)]!;
  }

  /** Whether the run is without the family: one of two is. */
  isOff(family: FaultFamily): boolean {
    return this.#draw(`family ${familyNumbers[family]} off`) < 0.5;
  }

  strength(family: FaultFamily, choices: readonly number[]): number {
    return choices[Math.floor(this.#draw(`family ${familyNumbers[family]} strength`) * choices.length)]!;
  }

  #draw(what: string): number {
    return alea(`metaStore plan ${planVersion} seed ${this.#seed} ${what}`)();
  }
}
