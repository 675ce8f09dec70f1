/**
 * The knobs of a plan and the families of faults, each with its number. All that is drawn of one is keyed by that number,
 * never by its name or its place in a list: a new name changes no run, and a new knob changes no other.
 */
import alea from "seedrandom/lib/alea.js";

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
} as const;
export type Knob = keyof typeof planKnobs;

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
} as const;
export type FaultFamily = keyof typeof familyNumbers;
export const faultFamilies = Object.keys(familyNumbers) as readonly FaultFamily[];

/** The family with the number `number`, as a tape has it. */
export function familyOfNumber(number: number): FaultFamily | undefined {
  return faultFamilies.find((family) => familyNumbers[family] === number);
}

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
