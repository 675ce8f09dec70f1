/**
 * When a node loses patience with a silent leader, and how long it holds back for one. Raft paper 5.2 (jitter), thesis
 * 6.2: whoever has just heard a leader helps to elect no other.
 */
import type { Random } from "../ports.ts";
import type { Micros, Term } from "../units.ts";

export class ElectionTimer {
  readonly #random: Random;
  readonly #electionMicros: Micros;
  readonly #boot: number;
  /** When this node asks for an election itself. */
  electionAt: Micros = 0;
  #promiseUntil: Micros;
  /** Elections asked for in this term: each draws its jitter anew. */
  #attempts = 0;

  /** `boot` > 1: an earlier life of this directory may have promised a leader not to help elect another. */
  constructor(random: Random, electionMicros: Micros, boot: number, term: Term, now: Micros) {
    this.#random = random;
    this.#electionMicros = electionMicros;
    this.#boot = boot;
    this.#promiseUntil = boot > 1 ? now + electionMicros : now;
    this.reset(term, now);
  }

  reset(term: Term, now: Micros): void {
    const occasion = (this.#boot * 65536 + term) * 64 + (this.#attempts % 64);
    this.electionAt = now + this.#electionMicros + this.#random.draw("election-jitter", occasion, this.#electionMicros);
  }

  /** A leader of `term` has spoken. */
  heard(term: Term, now: Micros): void {
    this.#promiseUntil = now + this.#electionMicros;
    this.reset(term, now);
  }

  attempt(term: Term, now: Micros): void {
    this.#attempts += 1;
    this.reset(term, now);
  }

  newTerm(): void {
    this.#attempts = 0;
  }

  /** Whether a leader may still count on this node. */
  promised(now: Micros): boolean {
    return now < this.#promiseUntil;
  }
}
