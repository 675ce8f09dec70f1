import type { Role } from "../raft/options.ts";
import type { ClusterId, Index, NodeId, StoreId, Term } from "../units.ts";

export type MemberStatus = {
  readonly id: NodeId;
  readonly incarnation: Index;
  readonly url: string;
  readonly role: "voter" | "learner";
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
  readonly role: Role | "founding" | "opening";
  readonly term: Term;
  readonly leader: NodeId;
  readonly commitIndex: Index;
  readonly appliedIndex: Index;
  readonly lastIndex: Index;
  readonly durableIndex: Index;
  readonly members: readonly MemberStatus[];
  readonly waitingFor: readonly { readonly id: NodeId; readonly url: string }[];
  readonly waitingRequests: number;
  readonly stateHash: string;
  readonly rows: number;
};
