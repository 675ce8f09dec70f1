/**
 * A leader's lease (Raft thesis, 6.4.1): until it ends nobody else can have been elected. It rests on the vote-withholding
 * leases of a quorum, shortened by what two clocks may differ.
 */
import type { Micros } from "../units.ts";

/** Of clocks: each gains or loses at most so much of true time. */
const clockRateBound = 0.01;
/** A lease of E on the fastest clock, measured on the slowest. */
const leaseShare = (1 - clockRateBound) / (1 + clockRateBound);
/** Before every moment of a node's clock. */
export const longAgo: Micros = -1e15;

/** One leadership's lease. It knows no clock: the caller says from when a quorum has withheld its votes. */
export class Lease {
  readonly #electionMicros: Micros;
  #isGivenUp = false;

  constructor(electionMicros: Micros) {
    this.#electionMicros = electionMicros;
  }

  /** Timeout-now is sent. There is no lease for the rest of the term: its receiver campaigns against the voters' leases. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  /** When it ends, if a quorum withholds its votes from `from` on. */
  until(from: Micros): Micros {
    if (this.#isGivenUp) return longAgo;
    return from + Math.floor(this.#electionMicros * leaseShare);
  }
}
