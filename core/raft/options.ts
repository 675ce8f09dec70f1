import type { Result } from "../result.ts";
import type { Index, Micros, NodeId } from "../units.ts";
import type { InFlightLimits } from "./in-flight.ts";
import type { StepProblem } from "./membership.ts";

/** How much a leader sends at once, and to one peer ahead of its answers. */
export type ReplicationLimits = InFlightLimits & {
  readonly entriesPerAppendMax: number;
  readonly bytesPerAppendMax: number;
};

/** What one boot of one node is given at its start. Nothing of it changes while it runs. */
export type RaftOptions = ReplicationLimits & {
  readonly id: NodeId;
  /** Durable start counter; 1 at the directory's first start. */
  readonly boot: number;
  /** The log index of the entry that made this directory's node a member; 0 for a founder. */
  readonly incarnation: Index;
  /** It votes for nobody, itself included, before its log durably reaches this index; 0 for most. */
  readonly voteBarrierIndex: Index;
  /** Elections start one to two of these after the last word of a leader. */
  readonly electionMicros: Micros;
  readonly heartbeatMicros: Micros;
  /** Proposals that would leave more than this uncommitted, or not durable here, are refused (but one is always taken). */
  readonly uncommittedBytesMax: number;
  /** Read index rounds whose time of opening a leader remembers, for its lease. */
  readonly readRoundsMax: number;
};

/** What a node is in its term (paper, figure 4); a pre-candidate has not raised its term yet (thesis 9.6). */
export type Role = "follower" | "pre-candidate" | "candidate" | "leader";
/** Whether a leader has appended proposals: the index of the first one, which says nothing about whether it will be committed. */
export type Proposed = Result<Index, "not-leader" | "busy">;
/** Why a configuration is not proposed: for the first four, it may be later. */
export type ConfigChangeRejection =
  | "not-leader"
  | "no-commit-yet" // nothing of the own term is committed (thesis 4.1; the bug of 2015)
  | "change-in-flight" // the newest configuration is not committed, or joint
  | "transferring"
  | StepProblem;
