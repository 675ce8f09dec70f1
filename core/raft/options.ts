import type { Index, NodeId } from "../units.ts";
import type { LeadershipOptions } from "./leadership.ts";

/** `electionMicros`: elections start one to two of these after the last word of a leader. */
export type RaftOptions = LeadershipOptions & {
  readonly id: NodeId;
  /** Durable start counter; 1 at the directory's first start. */
  readonly boot: number;
  /** The log index of the entry that made this directory's node a member; 0 for a founder. */
  readonly incarnation: Index;
  /** It votes for nobody, itself included, before its log durably reaches this index; 0 for most. */
  readonly voteBarrierIndex: Index;
};

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";
export type Proposed =
  { readonly ok: true; readonly firstIndex: Index } | { readonly ok: false; readonly code: "not-leader" | "busy" };
/** Why a configuration cannot be proposed now, though it may be later. */
export type ConfigChangeRejection =
  | "not-leader"
  | "no-commit-yet" // nothing of the own term is committed (thesis 4.1; the bug of 2015)
  | "change-in-flight" // the newest configuration is not committed, or joint
  | "transferring";
