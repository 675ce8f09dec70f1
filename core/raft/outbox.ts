/** Messages on their way out. Those that depend on a term or a vote are held until the write that carries it is durable. */
import { assert } from "../assert.ts";
import type { NodeId } from "../units.ts";
import type { Message, Outgoing } from "./messages.ts";

export class Outbox {
  #durableSeq = 0;
  /** Messages wait for this write; it may not have been made yet. */
  #holdSeq = 0;
  readonly #held: { readonly seq: number; readonly outgoing: Outgoing }[] = [];
  #messages: Outgoing[] = [];

  /** From now on messages leave only when write `seq` is durable. */
  holdUntil(seq: number): void {
    assert(seq >= this.#holdSeq, "writes are numbered in order");
    this.#holdSeq = seq;
  }

  get holding(): boolean {
    return this.#holdSeq > this.#durableSeq;
  }

  send(to: NodeId, message: Message): void {
    const outgoing = { to, message };
    if (this.holding) this.#held.push({ seq: this.#holdSeq, outgoing });
    else this.#messages.push(outgoing);
  }

  /** Every write up to `seq` is durable. */
  persisted(seq: number): void {
    assert(seq > this.#durableSeq, "writes complete once and in order");
    this.#durableSeq = seq;
    while (this.#held[0] !== undefined && this.#held[0].seq <= seq) this.#messages.push(this.#held.shift()!.outgoing);
  }

  /** What may leave now. */
  take(): readonly Outgoing[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }
}
