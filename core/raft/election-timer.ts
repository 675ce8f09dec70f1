/**
 * When a node campaigns because its leader is silent, and how long it withholds its vote for one. Raft paper 5.2 (jitter),
 * thesis 6.2: a node that has heard a leader within an election timeout votes for no other.
 */
import { assert } from "../assert.ts";
import type { Random } from "../ports.ts";
import type { Micros, Term } from "../units.ts";

/**
 * Boots, terms and attempts have draws of their own up to these bounds. A term beyond its bound draws what the next boot would,
 * which does no harm: the node must not end for it.
 */
const termsApart = 65_536;
const attemptsApart = 64;

/** One node's election timeout. It fires nothing: Raft compares `electionAt` with the time that `tick` brings. */
export class ElectionTimer {
  readonly #random: Random;
  readonly #electionMicros: Micros;
  readonly #boot: number;
  /** When this node campaigns. */
  electionAt: Micros = 0;
  #leaseUntil: Micros;
  /** Campaigns in this term: each draws its own jitter. */
  #attempts = 0;

  /** `boot` > 1: a previous boot of this directory may have extended the vote-withholding lease of a leader. */
  constructor(random: Random, electionMicros: Micros, boot: number, term: Term, now: Micros) {
    this.#random = random;
    this.#electionMicros = electionMicros;
    this.#boot = boot;
    this.#leaseUntil = boot > 1 ? now + electionMicros : now;
    this.reset(term, now);
  }

  reset(term: Term, now: Micros): void {
    const occasion = (this.#boot * termsApart + term) * attemptsApart + (this.#attempts % attemptsApart);
    this.electionAt = now + this.#electionMicros + this.#random.draw("election-jitter", occasion, this.#electionMicros);
    assert(this.electionAt >= now + this.#electionMicros, "a node waits for its leader at least one election timeout");
    assert(
      this.electionAt < now + 2 * this.#electionMicros,
      "a node waits for its leader less than two election timeouts",
    );
  }

  /** A leader of `term` was heard. */
  onLeaderContact(term: Term, now: Micros): void {
    this.#leaseUntil = now + this.#electionMicros;
    this.reset(term, now);
    assert(this.electionAt >= this.#leaseUntil, "no node campaigns while it withholds its vote for a leader");
  }

  attempt(term: Term, now: Micros): void {
    assert(now >= this.electionAt, "no node campaigns before its election timeout ends");
    this.#attempts += 1;
    this.reset(term, now);
  }

  newTerm(): void {
    this.#attempts = 0;
  }

  /** Whether this node withholds its vote for the leader that it last heard. */
  inLease(now: Micros): boolean {
    return now < this.#leaseUntil;
  }
}
