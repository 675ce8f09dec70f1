/** A node that does not vote and hears no leader asks whether it still belongs: nobody may think of telling it. */
import type { Outgoing } from "../protocol/message.ts";
import { isVoter } from "../raft/membership.ts";
import type { Raft } from "../raft/raft.ts";
import type { Micros } from "../units.ts";
import type { ContextOf } from "./context.ts";

type InquiryContext = ContextOf<never, "electionMicros", "node" | "storeId" | "incarnation">;

/** Asks at most once an election timeout. The answer comes to PeerAdmission as any other. */
export class MembershipInquiry {
  readonly #context: InquiryContext;
  readonly #raft: Raft;
  #askAt: Micros = 0;

  constructor(context: InquiryContext, raft: Raft) {
    this.#context = context;
    this.#raft = raft;
  }

  /** What is to be sent now: call it every turn. */
  ask(now: Micros): Outgoing[] {
    const { leader, configuration } = this.#raft;
    const { node, storeId, incarnation } = this.#context.identity;
    const { electionMicros } = this.#context.options;
    if (leader !== 0 || isVoter(configuration, node)) {
      this.#askAt = Infinity;
      return [];
    }
    if (this.#askAt === Infinity) this.#askAt = now + 2 * electionMicros;
    if (now < this.#askAt) return [];
    this.#askAt = now + electionMicros;
    const others = configuration.members.filter(({ id }) => id !== node);
    return others.map(({ id }) => ({ to: id, message: { kind: "join-request", storeId, incarnation, lost: "" } }));
  }

  nextDeadline(): Micros {
    return this.#askAt;
  }
}
