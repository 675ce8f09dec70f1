/** A leader that hands over (Raft thesis, 3.10): to whom, until when, and whether that node was told. */
import { assert } from "../assert.ts";
import type { Micros, NodeId } from "../units.ts";

type Handover = { readonly to: NodeId; readonly deadline: Micros; told: boolean };

/** One leadership's transfer. It is in memory only: who has asked for it learns the outcome from who leads then. */
export class Transfer {
  #handover: Handover | null = null;

  /** 0: nobody. */
  get transferee(): NodeId {
    return this.#handover?.to ?? 0;
  }

  /**
   * From now on nothing is proposed; `to` is sent timeout-now as soon as it holds everything; all ends at `deadline`. Where it
   * is the transferee already, its first deadline holds: else repeated requests would stop the leader for ever.
   */
  begin(now: Micros, to: NodeId, deadline: Micros): void {
    assert(to !== 0, "leadership is handed over to a node");
    assert(deadline > now, "a transfer ends later than it begins");
    if (this.#handover?.to === to && now < this.#handover.deadline) return;
    this.#handover = { to, deadline, told: false };
  }

  /** The node to send timeout-now to, once; else 0. `holdsAll`: whether a node has the whole log. */
  step(now: Micros, holdsAll: (id: NodeId) => boolean): NodeId {
    const handover = this.#handover;
    if (handover === null) return 0;
    if (now >= handover.deadline) {
      this.#handover = null;
      return 0;
    }
    if (handover.told) {
      assert(holdsAll(handover.to), "a leader appends nothing once it has sent timeout-now");
      return 0;
    }
    if (!holdsAll(handover.to)) return 0;
    handover.told = true;
    return handover.to;
  }
}
