/** How far this boot of the node has come since its start, as measured by what the leader has said. */
import type { RaftMessage } from "../protocol/message.ts";
import type { Raft } from "../raft/raft.ts";
import type { Index, Micros, NodeId, Term } from "../units.ts";
import type { ContextOf } from "./context.ts";
import type { ReplicaFacts } from "./readiness.ts";

type CatchUpContext = ContextOf<"network" | "store", "electionMicros" | "entriesPerApplyMax">;

const never: Micros = -1e15;

/** One for each boot: what an earlier boot had reached is not believed before a leader confirms it. */
export class CatchUp {
  readonly #context: CatchUpContext;
  readonly #raft: Raft;
  /**
   * A state below this one is not shown. It begins at what the directory held, or at 1: a store that is empty because
   * nothing is applied yet says nothing about any key. It rises with the commit index until an entry of the present term
   * is committed, so that a replay is never seen half-way.
   */
  #floor: Index;
  #floorIsFinal = false;
  /** When a leader was last heard, in which term, and the highest commit index that it has named. */
  #heardAt: Micros = never;
  #heardTerm: Term = 0;
  #leaderCommit: Index = 0;

  constructor(context: CatchUpContext, raft: Raft) {
    this.#context = context;
    this.#raft = raft;
    this.#floor = Math.max(1, context.store.applied.index);
  }

  /** Call it with each message that Raft has taken. */
  onMessage(now: Micros, from: NodeId, message: RaftMessage): void {
    if (message.kind !== "append" && message.kind !== "snapshot-chunk") return;
    if (from !== this.#raft.leader || message.term !== this.#raft.term) return;
    this.#heardAt = now;
    this.#heardTerm = message.term;
    if (message.kind === "append") this.#leaderCommit = Math.max(this.#leaderCommit, message.commit);
  }

  /** Call it every turn. */
  observe(): void {
    if (this.#floorIsFinal) return;
    const { commit, committedInTerm, leader } = this.#raft;
    this.#floor = Math.max(this.#floor, commit);
    this.#floorIsFinal = leader !== 0 && committedInTerm;
  }

  /** What decides whether this node can serve a linearizable read at `now`. */
  facts(now: Micros, isInstalling: boolean, lostVoters: readonly NodeId[]): ReplicaFacts {
    const { leader, role, log, commit, committedInTerm, term } = this.#raft;
    const { electionMicros, entriesPerApplyMax } = this.#context.options;
    const { network, store } = this.#context;
    const appliedIndex = store.applied.index;
    return {
      leader,
      lostVoters,
      isLeader: role === "leader",
      hasCommittedInTerm: committedInTerm,
      hasQuorum: this.#raft.hasHeardQuorum(now - electionMicros),
      hearsLeader: this.#heardTerm === term && now <= this.#heardAt + electionMicros,
      reachesLeader: leader !== 0 && network.connected(leader),
      hasLostRows: appliedIndex < log.baseIndex,
      isInstalling,
      hasReplayed: this.#floorIsFinal && this.isStateKnown,
      appliedIndex,
      leaderCommit: role === "leader" ? commit : this.#leaderCommit,
      lagEntriesMax: entriesPerApplyMax,
    };
  }

  /** Whether the rows are a state that the cluster was in, and no older than what this boot has seen committed at its start. */
  get isStateKnown(): boolean {
    const { index } = this.#context.store.applied;
    return index >= this.#floor && index >= this.#raft.log.baseIndex;
  }
}
