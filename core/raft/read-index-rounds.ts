/**
 * ReadIndex (Raft thesis, 6.4): a read is answered from an index that was committed when the read arrived, after a
 * quorum has confirmed that the leader still was the leader at some moment after that. All reads of one turn share one
 * round; a read that comes after a round was sent waits for the next.
 *
 * A lease (thesis, 6.4.1): who has heard a round helps to elect nobody else for an election timeout, and counts it from
 * later than the leader does, which counts from the opening of the round.
 */
import { assert } from "../assert.ts";
import type { Index, Micros } from "../units.ts";
import type { ReadGrant, ReadIndexRequest } from "./ready.ts";

type ReadIndexRound = { readonly round: number; readonly index: Index; readonly asks: readonly ReadIndexRequest[] };

/** The read index rounds of one leadership. Rounds begin with 1 and rise by one. */
export class ReadIndexRounds {
  /** Rises with every batch of reads. Invariant: every batch waiting has a round <= this one. */
  #round = 0;
  #arrived: ReadIndexRequest[] = [];
  #waitingRounds: ReadIndexRound[] = [];
  #openings: { readonly round: number; readonly at: Micros }[] = [];
  readonly #openingsMax: number;

  /** `openingsMax`: rounds whose time of opening is remembered. */
  constructor(openingsMax: number) {
    this.#openingsMax = openingsMax;
  }

  get round(): number {
    return this.#round;
  }

  get waiting(): number {
    return this.#arrived.length + this.#waitingRounds.length;
  }

  add(ask: ReadIndexRequest): void {
    assert((this.#waitingRounds.at(-1)?.round ?? 0) <= this.#round, "no read waits for a round that was not opened");
    this.#arrived.push(ask);
  }

  /**
   * Gives the reads of this turn a round of their own, at `commit`; `always` opens one for the lease's sake too. To be
   * called only once the leader has committed an entry of its own term: before that it cannot know what is committed.
   */
  open(commit: Index, now: Micros, always: boolean): void {
    if (this.#arrived.length === 0 && !always) return;
    this.#round += 1;
    this.#openings.push({ round: this.#round, at: now });
    if (this.#openings.length > this.#openingsMax) this.#openings.shift();
    if (this.#arrived.length === 0) return;
    assert(commit >= (this.#waitingRounds.at(-1)?.index ?? 0), "a later round reads at no lower index");
    this.#waitingRounds.push({ round: this.#round, index: commit, asks: this.#arrived });
    this.#arrived = [];
  }

  /** When `round` was opened; -Infinity if that is not remembered. */
  openedAt(round: number): Micros {
    return this.#openings.find((opening) => opening.round === round)?.at ?? -Infinity;
  }

  /** The reads of every round up to `confirmedRound`, which a quorum has confirmed. */
  grant(confirmedRound: number): ReadGrant[] {
    assert(confirmedRound <= this.#round, "no quorum confirms a round that was not opened");
    const grants: ReadGrant[] = [];
    while (this.#waitingRounds[0] !== undefined && this.#waitingRounds[0].round <= confirmedRound) {
      const { asks, index } = this.#waitingRounds.shift()!;
      for (const ask of asks) grants.push({ ...ask, index });
    }
    return grants;
  }
}
