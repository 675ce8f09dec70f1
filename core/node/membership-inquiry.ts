/** A node that does not vote and hears no leader asks whether it still belongs: nobody may think of telling it. */
import type { Outgoing } from "../protocol/message.ts";
import { isVoter } from "../raft/membership.ts";
import type { Raft } from "../raft/raft.ts";
import type { Identity } from "../storage/identity.ts";
import type { Micros } from "../units.ts";

export class MembershipInquiry {
  readonly #raft: Raft;
  readonly #identity: Identity;
  readonly #electionMicros: Micros;
  #askAt: Micros = 0;

  constructor(raft: Raft, identity: Identity, electionMicros: Micros) {
    this.#raft = raft;
    this.#identity = identity;
    this.#electionMicros = electionMicros;
  }

  /** What is to be sent now: call it every turn. */
  ask(now: Micros): Outgoing[] {
    const { leader, configuration } = this.#raft;
    const { node, storeId, incarnation } = this.#identity;
    if (leader !== 0 || isVoter(configuration, node)) {
      this.#askAt = Infinity;
      return [];
    }
    if (this.#askAt === Infinity) this.#askAt = now + 2 * this.#electionMicros;
    if (now < this.#askAt) return [];
    this.#askAt = now + this.#electionMicros;
    const others = configuration.members.filter(({ id }) => id !== node);
    return others.map(({ id }) => ({ to: id, message: { kind: "join-request", storeId, incarnation, lost: "" } }));
  }

  nextDeadline(): Micros {
    return this.#askAt;
  }
}
