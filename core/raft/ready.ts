/** What a turn of Raft gives to its driver: what to write, what to send, what to apply, and when to wake it. */
import type { CompactionPoint } from "../protocol/configuration.ts";
import type { Entry, HardState } from "../protocol/entry.ts";
import type { Outgoing } from "../protocol/message.ts";
import type { Index, Micros, NodeId } from "../units.ts";

/** Who asks for a read index, this node or a follower: `id` is unique within that boot of that incarnation. */
export type ReadIndexRequest = {
  readonly node: NodeId;
  readonly incarnation: Index;
  readonly boot: number;
  readonly id: number;
};
/** A read that may be answered once `index` is applied, by the node that asked for it. */
export type ReadGrant = ReadIndexRequest & { readonly index: Index };

/**
 * One write to the WAL: durable together, in order of `seq`. With `base` the log begins after that place from now on:
 * everything up to it is durable elsewhere. The first entry's index may cut the log before it.
 */
export type Persist = {
  readonly seq: number;
  readonly hardState: HardState | null;
  readonly base: CompactionPoint | null;
  /** The log held another entry there, and nothing of what followed it stays. */
  readonly replaces: boolean;
  readonly entries: readonly Entry[];
};

/**
 * What a turn has produced. The caller writes `persist` and, once it is durable, calls `persisted(seq)`; sends
 * `messages` at once (those that depend on a write are held back inside until then); applies up to `commit`.
 */
export type Ready = {
  readonly persist: Persist | null;
  readonly messages: readonly Outgoing[];
  readonly commit: Index;
  readonly reads: readonly ReadGrant[];
  /** Raft wants `tick` called at this time if nothing comes before. */
  readonly wakeAt: Micros;
};
