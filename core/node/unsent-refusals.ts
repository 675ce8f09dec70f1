/**
 * Refusals of forwarded writes that found no room on the stream to their origin. Without its refusal a write that never
 * happened is unknown to its client, so each is tried again until its origin has stopped waiting for it.
 */
import type { ForwardRefused, Outgoing } from "../protocol/message.ts";
import type { Micros } from "../units.ts";
import { type ContextOf, retryMicrosOf } from "./context.ts";

type Unsent = { readonly outgoing: Outgoing; readonly until: Micros };

/** One for each boot. A refusal that is lost all the same makes its write unknown, never wrong. */
export class UnsentRefusals {
  readonly #context: ContextOf<"send", "requestMicros" | "unsentRefusalsMax">;
  readonly #retryMicros: Micros;
  #unsent: Unsent[] = [];
  #retryAt: Micros = Infinity;

  constructor(context: ContextOf<"send", "heartbeatMicros" | "requestMicros" | "unsentRefusalsMax">) {
    this.#context = context;
    this.#retryMicros = retryMicrosOf(context);
  }

  add(now: Micros, to: Outgoing["to"], message: ForwardRefused): void {
    const { requestMicros, unsentRefusalsMax } = this.#context.options;
    // The oldest go first: their origins give up first.
    if (this.#unsent.length >= unsentRefusalsMax) this.#unsent.shift();
    this.#unsent.push({ outgoing: { to, message }, until: now + requestMicros });
    this.#retryAt = Math.min(this.#retryAt, now + this.#retryMicros);
  }

  /** Call it every turn. */
  advance(now: Micros): void {
    if (now < this.#retryAt) return;
    const { send } = this.#context;
    this.#unsent = this.#unsent.filter(({ outgoing, until }) => now < until && !send(outgoing));
    this.#retryAt = this.#unsent.length === 0 ? Infinity : now + this.#retryMicros;
  }

  nextDeadline(): Micros {
    return this.#retryAt;
  }
}
