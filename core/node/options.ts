import type { Row, Applied } from "../kv/machine.ts";
import type { LimitsOf, NodeLimitName } from "../limits.ts";
import { changeOutcomes } from "../protocol/message-kinds.ts";
import type { ChangeOutcome } from "../protocol/message.ts";
import type { Failed, Result } from "../result.ts";
import type { Engine, IdentityRefusal } from "../storage/identity.ts";
import type { Index, NodeId } from "../units.ts";

/** When a node takes a snapshot, and what it keeps of the log then: core/node/snapshotting.ts. */
export type SnapshotOptions = LimitsOf<"snapshotEntries" | "snapshotBytes" | "trailingEntries" | "trailingBytes">;

/** Every choice of a node, stated by its host. Times in microseconds of its own monotonic clock; limits: core/limits.ts. */
export type NodeOptions = {
  readonly id: NodeId;
  /** The `--cluster` list: member k + 1 is reached at cluster[k]. Read at the directory's first start only. */
  readonly cluster: readonly string[];
  /** Where this node is reached, if the operator says so; a configuration that differs is asked to be changed. */
  readonly peerUrl: string | null;
  /** Become a member of a running cluster, instead of founding one. Looked at until the directory has taken part in one. */
  readonly join: boolean;
  /** Names this node's directories in a line for the operator. */
  readonly directory: string;
  readonly engine: Engine;
} & LimitsOf<NodeLimitName>;

/** Why a request failed. `definite`: it certainly did not happen and never will. */
export type Failure = Failed<FailureCode>;
/** Stable: the HTTP API gives it to clients as it is. */
export type FailureCode =
  | "no-leader" // no leader was known until the deadline: nothing was sent
  | "refused" // the leader answered that it did not take it
  | "superseded" // another leader's entry was committed in its place
  | "busy" // too much is waiting here or uncommitted at the leader
  | "stopping"
  | "not-ready" // the node takes no part yet, or its rows say nothing about the cluster: see core/node/readiness.ts
  | "timeout"; // handed over, no answer: a write may still happen

/** Exactly-once: a client session (0: none) and the client's sequence in it. */
export type SessionKey = { readonly session: Index; readonly sequence: number };
/** A write that is not deduplicated: each try may take effect. */
export const noSession: SessionKey = { session: 0, sequence: 0 };

/** Committed and applied here: the value is what it came to. */
export type WriteOutcome = Result<Applied, FailureCode>;
/** `revision`: the store's when it answered; the row is its state there. */
export type RowAt = { readonly row: Row | null; readonly revision: Index };
/** A read changes nothing, so each failure is definite. */
export type ReadOutcome = Result<RowAt, FailureCode>;

/** A change request failed, or the leader refused it. `definite`: it certainly was not made and never will be. */
export type ChangeFailure = Failed<ChangeFailureCode>;
/** Stable, as FailureCode. */
export type ChangeFailureCode = FailureCode | ChangeRefused;
/** The leader's word that it will not be made. */
export type ChangeRefused = Exclude<ChangeOutcome, "done" | "gave-up">;
/** Whether the leader has said no; else the request failed on its way. */
export function isRefusedChange(code: ChangeFailureCode): code is ChangeRefused {
  return code in changeOutcomes;
}

/** What became of an operator's change request: it holds, by a committed configuration, or it failed. */
export type ChangeResult = Result<null, ChangeFailureCode>;

/** A program decides by the code; the reason of an ending is for a person. */
export type EndingCode =
  | "removed" // a committed configuration is without this node: no failure
  | "restart" // it goes on when its host starts it again on the same directory
  | IdentityRefusal
  | "another-directory" // its id is bound to another directory
  | "id-in-use" // a node of its id runs elsewhere, and leads
  | "outdated-copy" // the directory is an older copy, and too few could give back what it lacks; or a copy of it has its place
  | "damaged" // what is on disk cannot be trusted; a copy, or the others, may still help
  | "unrecoverable" // nobody else has what is damaged or missing: only a copy of the directory helps
  | "disk" // a disk failed
  | "unknown-entry" // a committed entry is none that this program knows
  | "bug"; // an exception that nothing explains

/** Why a node cannot go on; `reason` is one line for the operator. */
export type Ending = { readonly code: EndingCode; readonly reason: string };

/** Whether the directory is refused as it is, and nothing in it was changed. */
export function isRefusal(code: EndingCode): boolean {
  return ["not-ours", "was-removed", "newer-format", "another-directory", "id-in-use", "outdated-copy"].includes(code);
}
