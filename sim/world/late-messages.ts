/** Messages that a directed run keeps back, and lets go when it likes: anything that a network may do. */
import type { Envelope, Message } from "../../core/protocol/message.ts";
import type { NodeId } from "../../core/units.ts";

/** Of a message on its way. */
export type WhichMessage = (from: NodeId, to: NodeId, message: Message) => boolean;

type Late = { readonly from: NodeId; readonly to: NodeId; readonly envelope: Envelope; readonly code: number };

/** One for each network. Nothing is late unless `holds` says so. */
export class LateMessages {
  /** Null: none. */
  holds: WhichMessage | null = null;
  #late: readonly Late[] = [];

  /** Whether the message is kept back. `code` is what its network needs to deliver it. */
  keeps(from: NodeId, to: NodeId, envelope: Envelope, code: number): boolean {
    if (this.holds?.(from, to, envelope.message) !== true) return false;
    this.#late = [...this.#late, { from, to, envelope, code }];
    return true;
  }

  has(which: WhichMessage): boolean {
    return this.#late.some(({ from, to, envelope }) => which(from, to, envelope.message));
  }

  /** Takes out those of `which`, in the order of their sending. */
  take(which: WhichMessage): readonly Late[] {
    const taken = this.#late.filter(({ from, to, envelope }) => which(from, to, envelope.message));
    this.#late = this.#late.filter((one) => !taken.includes(one));
    return taken;
  }
}
