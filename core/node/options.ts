import type { Row } from "../kv/machine.ts";
import type { Index, Micros, NodeId } from "../units.ts";

/** Every choice of a node, stated by its host. Times in microseconds of its own monotonic clock. */
export type NodeOptions = {
  readonly id: NodeId;
  /** The founding list: founder k + 1 is reached at founders[k]. Read at the directory's first start only. */
  readonly founders: readonly string[];
  readonly electionMicros: Micros;
  readonly heartbeatMicros: Micros;
  readonly requestMicros: Micros;
  readonly entriesPerAppendMax: number;
  readonly bytesPerAppendMax: number;
  readonly entriesInFlightMax: number;
  readonly uncommittedBytesMax: number;
  /** Requests that may wait at one time. */
  readonly waitingMax: number;
  readonly entriesPerApplyMax: number;
  readonly walSegmentBytesMax: number;
};

/** Why a request failed. `definite`: it certainly did not happen and never will. */
export type Failure = { readonly ok: false; readonly code: FailureCode; readonly definite: boolean };
export type FailureCode =
  | "no-leader" // no leader was known until the deadline: nothing was sent
  | "refused" // the leader answered that it did not take it
  | "superseded" // another leader's entry was committed in its place
  | "busy" // too much is waiting here or uncommitted at the leader
  | "stopping"
  | "timeout"; // handed over, no answer: a write may still happen

export type WriteOutcome = { readonly ok: true; readonly revision: Index; readonly existed: boolean } | Failure;
/** `revision`: the store's when it answered; the row is its state there. */
export type ReadOutcome = { readonly ok: true; readonly row: Row | null; readonly revision: Index } | Failure;

/** Why a node cannot go on; `reason` is one line for the operator. */
export type Ending = { readonly kind: "refused" | "corrupt" | "disk" | "unknown-entry"; readonly reason: string };
