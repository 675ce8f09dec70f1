/** All that clients and operators wait for at this node: each has a deadline, and each ends by it. */
import type { Outgoing } from "../protocol/message.ts";
import type { Raft } from "../raft/raft.ts";
import type { Micros, NodeId } from "../units.ts";
import type { PendingChanges } from "./pending-changes.ts";
import type { PendingReads } from "./pending-reads.ts";
import type { PendingWrites, TrySend } from "./pending-writes.ts";

export class Requests {
  readonly writes: PendingWrites;
  readonly reads: PendingReads;
  readonly changes: PendingChanges;

  constructor(writes: PendingWrites, reads: PendingReads, changes: PendingChanges) {
    this.writes = writes;
    this.reads = reads;
    this.changes = changes;
  }

  get count(): number {
    return this.writes.count + this.reads.count + this.changes.count;
  }

  /** Hands over what has come; returns what is to be sent besides, and may be lost. */
  dispatch(
    now: Micros,
    deadline: Micros,
    raft: Raft,
    connected: (id: NodeId) => boolean,
    hasLostRows: (id: NodeId) => boolean,
    send: TrySend,
  ): Outgoing[] {
    this.writes.dispatch(now, raft, connected, send);
    // A change request has to be confirmed, as a read.
    const changes = this.changes.dispatch(now, raft, hasLostRows, send);
    return [...this.reads.dispatch(now, deadline, raft), ...changes];
  }

  expire(now: Micros): void {
    this.writes.expire(now);
    this.reads.expire(now);
    this.changes.expire(now);
  }

  /** A committed configuration does not have this node; `isApplied`: all up to it is applied here. */
  endRemoved(isApplied: boolean): void {
    this.changes.resolveSelfRemoval();
    this.writes.endRemoved(isApplied);
  }

  /** Everybody who waits is told that the node stops. */
  end(): void {
    this.writes.end();
    this.reads.end();
    this.changes.end();
  }

  nextDeadline({ leader, role }: Raft): Micros {
    const mayAsk = leader !== 0 && role !== "leader";
    return Math.min(this.writes.nextDeadline(), this.reads.nextDeadline(mayAsk), this.changes.nextDeadline(mayAsk));
  }
}
