import type { Role } from "../raft/options.ts";
import type { Engine } from "../storage/identity.ts";
import type { Readiness } from "./readiness.ts";
import type { ClusterId, Index, NodeId, StoreId, Term } from "../units.ts";

/** A member as this node knows it, which may be behind. */
export type MemberStatus = {
  readonly id: NodeId;
  readonly incarnation: Index;
  readonly url: string;
  /**
   * In a joint configuration `leaving` votes only with the outgoing voters, `joining` only with the incoming ones: the
   * change is under way, and a majority of each is needed, until neither is said of any member.
   */
  readonly role: "voter" | "learner" | "joining" | "leaving";
  /** Whether a directory speaks for it: the node has been heard of. */
  readonly bound: boolean;
  /** The leader's knowledge of the member, null on other nodes: durable match, and entries behind the leader's log. */
  readonly matchIndex: Index | null;
  readonly lagEntries: number | null;
};

/** What a node says of itself. Before the founding is complete, `waitingFor` names the founders not yet seen. */
export type Status = {
  readonly id: NodeId;
  readonly incarnation: Index;
  readonly boot: number;
  readonly storeId: StoreId;
  readonly cluster: ClusterId;
  readonly engine: Engine;
  /** Whether it can serve a linearizable read now, or why not. */
  readonly readiness: Readiness;
  readonly role: Role | "founding" | "joining" | "recovering" | "opening";
  readonly term: Term;
  readonly leader: NodeId;
  /** Its peer URL; empty where no leader is known. */
  readonly leaderUrl: string;
  readonly commitIndex: Index;
  readonly appliedIndex: Index;
  readonly lastIndex: Index;
  readonly durableIndex: Index;
  readonly members: readonly MemberStatus[];
  readonly waitingFor: readonly { readonly id: NodeId; readonly url: string }[];
  readonly waitingRequests: number;
  readonly stateHash: string;
  readonly rows: number;
  readonly sessions: number;
  readonly storage: {
    /** The first entry that the log still holds. */
    readonly firstIndex: Index;
    readonly walSegments: number;
    readonly snapshotIndex: Index;
    readonly snapshotBytes: number;
  };
};
