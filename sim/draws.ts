/**
 * Chance by name. A draw is a hash of (seed, site, occasion), never the next number of a stream: a decision that is
 * added elsewhere shifts nothing here. seedrandom derives the run's key from the seed; a draw is integer arithmetic.
 */
import alea from "seedrandom/lib/alea.js";

/** Raised when the meaning of draws changes, so that an old seed is not taken for the run that it was. */
export const modelVersion = 4;

/** Where chance is asked; the numbers are part of the seed's meaning and never reused. */
export const sites = {
  plan: 1,
  messageLatency: 2,
  messageTail: 3,
  messageLoss: 4,
  messageCopy: 5,
  messageCodec: 6,
  syncLatency: 7,
  syncStall: 8,
  syncFailure: 9,
  crashKeep: 10,
  crashTear: 11,
  crashNames: 12,
  fault: 13,
  faultTarget: 14,
  faultLength: 15,
  clockOffset: 16,
  clockRate: 17,
  core: 18,
  clientOp: 19,
  clientTarget: 20,
  clientLatency: 21,
  electionJitter: 22,
  storeId: 23,
  tie: 24,
  recovery: 25,
  operator: 26,
  crashRows: 27,
  damage: 28,
  operation: 29,
  changeRequest: 30,
  targeted: 31,
  targetedAction: 32,
  targetedLength: 33,
  shape: 34,
  writeFailure: 35,
  readFailure: 36,
  failedPart: 37,
  corruption: 38,
  chunk: 39,
  syncLie: 40,
  stream: 41,
  streamCut: 42,
  misdirected: 43,
  probe: 44,
  reader: 45,
  isolation: 46,
  isolationEnd: 47,
  monitor: 48,
  move: 49,
  stranger: 50,
  burst: 51,
  rowsReadFailure: 52,
  bootNonce: 53,
  olderCopy: 54,
  lateMessages: 55,
  strangeListener: 56,
  squatter: 57,
} as const;
/** The kind of a decision. Its number is part of every draw, so a number once given stays. */
export type Site = keyof typeof sites;

/**
 * What tells apart the draws of one site on one occasion. Part of the seed's meaning, as the numbers of `sites`: a number
 * once given stays.
 */
export const salts = {
  /** Who puts the event into the queue. */
  tie: {
    request: 5,
    answer: 6,
    redial: 7,
    streamPiece: 8,
    lateMessages: 43,
    operator: 55,
    operatorRequest: 56,
    probe: 57,
    movedMember: 58,
    readerRequest: 58,
    readerAnswer: 59,
    monitor: 60,
    gracefulStop: 61,
    stranger: 62,
    squatter: 63,
    client: 77,
    isolation: 98,
    nemesis: 99,
  },
  clientOp: {
    thinkTime: 0,
    kind: 1,
    key: 2,
    isCas: 3,
    isLease: 4,
    reusesSequence: 5,
    hasUsualLength: 6,
    lengthOf: 7,
    edge: 8,
    isTwice: 9,
    besideEdge: 10,
  },
  core: { quietLinks: 1 },
  corruption: { messageByte: 1, piece: 2, pieceByte: 3 },
  faultTarget: {
    isOneAlone: 0,
    alone: 1,
    side: 2,
    oneWayShape: 3,
    oneWayPeer: 4,
    clientsMember: 5,
    resetPeer: 6,
    slowBeat: 7,
    frozenClock: 8,
  },
  isolationEnd: { isPowerCut: 0, length: 1 },
  messageCodec: { stream: 1 },
  /** `copyLength`: of the message itself, and one more for its duplicate. */
  messageTail: { copyLength: 2, piece: 9, pieceLength: 10 },
  misdirected: { place: 1 },
  monitor: { kind: 1, key: 2, wait: 3 },
  operator: { wait: 0, target: 1, asked: 2, kind: 3, isLate: 4, autoPromote: 5, url: 6 },
  reader: { key: 1 },
  shape: { length: 99 },
  targetedLength: { delay: 0, length: 1, isPowerCut: 2, peer: 3 },
} as const;

/** Folds one safe integer into a 32-bit hash, and gives a signed one. Order matters. */
export function mix(hash: number, value: number): number {
  let h = hash ^ (value | 0) ^ Math.imul((value / 0x100000000) | 0, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Something that happened and might not have: where, and on which occasion. */
export type Decision = readonly [site: Site, a: number, b: number, c: number, d: number];

/** The chance of one run. What it answers does not depend on what was asked before. */
export class Draws {
  #key: number;
  /** All decisions that were taken, in order, if they are asked for. */
  readonly taken: Decision[] | null;
  /** By name: the decisions that are taken, whatever the seed says; null: as it says. */
  readonly #given: ReadonlySet<string> | null;
  /** Every draw so far, for the summary. */
  count = 0;

  /** `given`: from a tape. `keepsDecisions`: for one. */
  constructor(seed: number, given: readonly Decision[] | null = null, keepsDecisions = false) {
    this.#given = given === null ? null : new Set(given.map(String));
    this.taken = keepsDecisions ? [] : null;
    const generator = alea(`metaStore simulation ${modelVersion} seed ${seed}`);
    this.#key = (generator() * 0x100000000) | 0;
  }

  /** From now on chance is another one, and what was given stays given: another run from here on, the same for each `salt`. */
  goOtherwise(salt: number): void {
    this.#key = mix(this.#key, salt);
  }

  /** An integer in [0, 2^32), the same for the same site and occasion. */
  u32(site: Site, a: number, b = 0, c = 0, d = 0): number {
    this.count += 1;
    let hash = mix(this.#key, sites[site]);
    hash = mix(hash, a);
    hash = mix(hash, b);
    hash = mix(hash, c);
    return mix(hash, d) >>> 0;
  }

  below(bound: number, site: Site, a: number, b = 0, c = 0, d = 0): number {
    return Math.floor((this.u32(site, a, b, c, d) / 0x100000000) * bound);
  }

  /** Happens in `ppm` of a million occasions; with a tape, on those that it names. */
  chance(ppm: number, site: Site, a: number, b = 0, c = 0, d = 0): boolean {
    const happens =
      this.#given === null
        ? ppm > 0 && this.below(1_000_000, site, a, b, c, d) < ppm
        : this.#given.has(`${site},${a},${b},${c},${d}`);
    if (happens && this.taken !== null) this.taken.push([site, a, b, c, d]);
    return happens;
  }

  /** Happens, unless there is a tape that does not name it. */
  always(site: Site, a: number, b = 0): boolean {
    return this.chance(1_000_000, site, a, b);
  }
}

/** Numbers the identical copies of an occasion: the n-th time that the same thing happens is an occasion of its own. */
export class Copies {
  readonly #seen = new Map<number, number>();

  next(occasion: number): number {
    const count = this.#seen.get(occasion) ?? 0;
    this.#seen.set(occasion, count + 1);
    return count;
  }
}
