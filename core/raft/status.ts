import type { Index, NodeId, Term } from "../units.ts";
import type { PeerProgress } from "./replication.ts";
import type { Role } from "./options.ts";

/** What a Raft says of itself, at one moment. */
export type RaftStatus = {
  readonly role: Role;
  readonly term: Term;
  /** Whom it has voted for in this term; 0: nobody. */
  readonly vote: NodeId;
  /** 0: not known. */
  readonly leader: NodeId;
  readonly commit: Index;
  readonly firstIndex: Index;
  readonly lastIndex: Index;
  readonly durableIndex: Index;
  /** Whom it hands over to; 0: nobody. */
  readonly transferee: NodeId;
  /** Of each peer, where it leads; else empty. */
  readonly progress: ReadonlyMap<NodeId, PeerProgress>;
};
