import type { Index, Micros, NodeId } from "../units.ts";
import type { ReplicationLimits } from "./leadership.ts";

export type RaftOptions = ReplicationLimits & {
  readonly id: NodeId;
  /** Durable start counter; 1 at the directory's first start. */
  readonly boot: number;
  /** Elections start one to two of these after the last word of a leader. */
  readonly electionMicros: Micros;
  readonly heartbeatMicros: Micros;
  /** A leader refuses proposals that would leave more than this uncommitted (but always takes one). */
  readonly uncommittedBytesMax: number;
};

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";
export type Proposed =
  { readonly ok: true; readonly firstIndex: Index } | { readonly ok: false; readonly code: "not-leader" | "busy" };
