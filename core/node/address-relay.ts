/**
 * A member that has moved says where it is to those that it reaches. Two members that moved at once do not find each
 * other so, and the leader may be one of them: a member that has found the other at its new address tells the leader.
 * That is not believed beyond what any learned address is: it is tried last, and only the bound directory is taken
 * there.
 */
import type { Outgoing } from "../protocol/message.ts";
import type { Raft } from "../raft/raft.ts";
import type { Micros } from "../units.ts";
import type { ContextOf } from "./context.ts";

/** One for each boot that takes part. */
export class AddressRelay {
  readonly #context: ContextOf<"peers", "electionMicros">;
  readonly #raft: Raft;
  #askAt: Micros = 0;

  constructor(context: ContextOf<"peers", "electionMicros">, raft: Raft) {
    this.#context = context;
    this.#raft = raft;
  }

  /** What is to be sent now, once an election timeout at most: call it every turn. */
  ask(now: Micros): Outgoing[] {
    const { leader, role } = this.#raft;
    if (leader === 0 || role === "leader" || now < this.#askAt) return [];
    this.#askAt = now + this.#context.options.electionMicros;
    return this.#context.peers
      .foundElsewhere()
      .filter(({ node }) => node !== leader)
      .map(({ node, url }) => ({ to: leader, message: { kind: "learned-address", node, url } }));
  }
}
