/** Who belongs to the cluster and who decides in it, as one entry of the log says it; and what an operator may ask to change. */
import type { Index, NodeId, StoreId } from "../units.ts";
import type { LogPosition } from "./entry.ts";

/** One member, as the configuration lists it. */
export type Member = {
  readonly id: NodeId;
  /** Log index of the configuration entry that added this member; 0 for founders. */
  readonly incarnation: Index;
  /** Peer URL. */
  readonly url: string;
  /** The directory that speaks for this member; empty until it is bound. */
  readonly storeId: StoreId;
  /** A learner that becomes a voter by itself once it has caught up. */
  readonly autoPromote: boolean;
};

/**
 * The whole configuration, as one entry carries it. Joint while `outgoing` is not empty: then every decision needs a
 * majority of `voters` and a majority of `outgoing` (Raft thesis, 4.3).
 */
export type Configuration = {
  readonly members: readonly Member[];
  readonly voters: readonly NodeId[];
  readonly outgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** The latest removed incarnation of each id that was a member once. */
  readonly removed: readonly { readonly id: NodeId; readonly incarnation: Index }[];
};

/** A configuration and the index of the entry that carries it; 0: the first one. */
export type ConfigurationAt = { readonly index: Index; readonly configuration: Configuration };

/** Where a log begins: the place before its first entry, and the configuration in force there. */
export type CompactionPoint = { readonly place: LogPosition; readonly configuration: ConfigurationAt };

/** What an operator wants. Each is a goal, not a step: asking again for what is already so changes nothing. */
export type Change =
  /** `autoPromote` null: as the member is; a new one is promoted. Of a voter it says nothing. */
  | { readonly kind: "add"; readonly id: NodeId; readonly url: string; readonly autoPromote: boolean | null }
  /** The member stays who it is, and is reached at another URL. */
  | { readonly kind: "move"; readonly id: NodeId; readonly url: string }
  | { readonly kind: "remove"; readonly id: NodeId }
  | { readonly kind: "promote"; readonly id: NodeId }
  /** No change of the configuration: that `id` leads. */
  | { readonly kind: "transfer-leader"; readonly id: NodeId };

/** Why a change can never be, as things are. */
export type ChangeRefusal =
  | "member-exists" // the id is in use with another URL
  | "url-in-use"
  | "unknown-member" // never known
  | "last-voter"
  | "no-majority-left" // those that answer and wait for no snapshot would be no majority of what is left
  | "not-bound" // the node has not been heard of yet
  | "no-voter" // only a voter can lead
  | "not-caught-up"; // silent for an election timeout, or behind the leader's log
