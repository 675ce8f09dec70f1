/**
 * Refusals of forwarded writes that found no room on the stream to their origin. Without its refusal a write that never
 * happened is unknown to its client, so each is tried again until its origin has stopped waiting for it.
 */
import type { ForwardRefused, Outgoing } from "../protocol/message.ts";
import type { Micros } from "../units.ts";
import type { TrySend } from "./pending-writes.ts";

/** The oldest go first: their origins give up first. */
const refusalsMax = 4_096;

type Unsent = { readonly outgoing: Outgoing; readonly until: Micros };

export class UnsentRefusals {
  readonly #patienceMicros: Micros;
  readonly #retryMicros: Micros;
  #unsent: Unsent[] = [];
  #retryAt: Micros = Infinity;

  constructor(patienceMicros: Micros, retryMicros: Micros) {
    this.#patienceMicros = patienceMicros;
    this.#retryMicros = retryMicros;
  }

  add(now: Micros, to: Outgoing["to"], message: ForwardRefused): void {
    if (this.#unsent.length >= refusalsMax) this.#unsent.shift();
    this.#unsent.push({ outgoing: { to, message }, until: now + this.#patienceMicros });
    this.#retryAt = Math.min(this.#retryAt, now + this.#retryMicros);
  }

  /** Call it every turn. */
  advance(now: Micros, send: TrySend): void {
    if (now < this.#retryAt) return;
    this.#unsent = this.#unsent.filter(({ outgoing, until }) => now < until && !send(outgoing));
    this.#retryAt = this.#unsent.length === 0 ? Infinity : now + this.#retryMicros;
  }

  nextDeadline(): Micros {
    return this.#retryAt;
  }
}
