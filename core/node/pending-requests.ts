/**
 * All that clients and operators wait for at this node: writes, reads and change requests. Each has a deadline, and each
 * ends by it, in a turn or where the node ends. What other members say about them comes in here too.
 */
import type { Command } from "../kv/command.ts";
import type { Applied } from "../kv/machine.ts";
import type { Change } from "../protocol/configuration.ts";
import type { Entry } from "../protocol/entry.ts";
import type { ChangeReply, ChangeRequest, ForwardRefused, Outgoing, ReadReply } from "../protocol/message.ts";
import type { Raft } from "../raft/raft.ts";
import type { ReadGrant } from "../raft/ready.ts";
import type { Index, Micros, NodeId } from "../units.ts";
import type { CatchUp } from "./catch-up.ts";
import type { ContextOf, OriginField } from "./context.ts";
import type { ChangeResult, ReadOutcome, SessionKey, WriteOutcome } from "./options.ts";
import type { PeerAdmission } from "./peer-admission.ts";
import { PendingChanges } from "./pending-changes.ts";
import { type Consistency, PendingReads } from "./pending-reads.ts";
import { PendingWrites } from "./pending-writes.ts";

type RequestsContext = ContextOf<
  "clock" | "network" | "onDiskError" | "schedule" | "send" | "store",
  | "bytesPerForwardMax"
  | "changeOutcomesMax"
  | "electionMicros"
  | "heartbeatMicros"
  | "openChangesMax"
  | "requestMicros",
  OriginField
>;

/** One for each boot that takes part. Each request ends once, by its answer or by its deadline. */
export class PendingRequests {
  readonly #context: RequestsContext;
  readonly #raft: Raft;
  readonly #catchUp: CatchUp;
  readonly #admission: PeerAdmission;
  readonly #writes: PendingWrites;
  readonly #reads: PendingReads;
  readonly #changes: PendingChanges;

  /** `announcedUrl`: see core/node/pending-changes.ts. */
  constructor(
    context: RequestsContext,
    { raft, catchUp, admission }: { readonly raft: Raft; readonly catchUp: CatchUp; readonly admission: PeerAdmission },
    announcedUrl: string | null,
  ) {
    this.#context = context;
    this.#raft = raft;
    this.#catchUp = catchUp;
    this.#admission = admission;
    this.#writes = new PendingWrites(context);
    this.#reads = new PendingReads(context);
    this.#changes = new PendingChanges(
      context,
      announcedUrl,
      (done) => this.readBarrier(done),
      () => this.#isRemoved(),
    );
  }

  // --- of this node's clients

  get count(): number {
    return this.#writes.count + this.#reads.count + this.#changes.count;
  }

  /** Returns a handle for `cancelWrite`. */
  write(command: Command, key: SessionKey, done: (outcome: WriteOutcome) => void): number {
    return this.#writes.add(command, key, this.#deadlineOf(this.#context.clock.now()), done);
  }

  cancelWrite(handle: number): boolean {
    return this.#writes.cancel(handle);
  }

  /** A stale read is refused where the rows say nothing about the cluster: see core/node/catch-up.ts. */
  read(key: string, consistency: Consistency, done: (outcome: ReadOutcome) => void): void {
    if (consistency !== "stale" || this.#catchUp.isStateKnown) this.#reads.add(key, consistency, done);
    else done({ ok: false, code: "not-ready", definite: true });
  }

  /** `deadline`: no later than the request time from now. */
  change(change: Change, deadline: Micros, done: (result: ChangeResult) => void): void {
    const now = this.#context.clock.now();
    if (deadline <= now) return done({ ok: false, code: "timeout", definite: true });
    this.#changes.add(change, Math.min(deadline, this.#deadlineOf(now)), done);
  }

  #deadlineOf(now: Micros): Micros {
    return now + this.#context.options.requestMicros;
  }

  /** See ReadBarrier. It is not counted: nobody waits for it. */
  readBarrier(done: (isPassed: boolean) => void): void {
    this.#reads.barrier((isPassed) => {
      done(isPassed);
      this.#context.schedule();
    });
  }

  #isRemoved(): boolean {
    const { node, incarnation } = this.#context.identity;
    return this.#admission.isRemoved(node, incarnation);
  }

  // --- of other members

  onForwardRefused(now: Micros, refusal: ForwardRefused): void {
    this.#writes.onRefused(now, refusal);
  }

  onReadIndex(granted: ReadReply | ReadGrant): void {
    this.#reads.onGrant(granted);
  }

  onChangeRequest(now: Micros, from: NodeId, request: ChangeRequest): void {
    this.#changes.onRequest(from, request, this.#raft, now, this.#deadlineOf(now));
  }

  onChangeReply(reply: ChangeReply): void {
    this.#changes.onReply(reply);
  }

  // --- of the turn

  /** Hands over what has come; returns what is to be sent besides, and may be lost. Before Raft is asked for what is ready. */
  dispatch(now: Micros, hasLostRows: (id: NodeId) => boolean): Outgoing[] {
    this.#writes.dispatch(now, this.#raft);
    // A change request has to be confirmed, as a read.
    const changes = this.#changes.dispatch(now, this.#raft, hasLostRows);
    return [...this.#reads.dispatch(now, this.#deadlineOf(now), this.#raft), ...changes];
  }

  /** `entry` is in the store: the write that it came from is answered. */
  onApplied(entry: Entry, applied: Applied | null): void {
    this.#writes.onApplied(entry, applied);
  }

  /** A snapshot at `index` is the state now, and has taken the place of the entries up to it. */
  onSnapshotInstalled(index: Index): void {
    this.#writes.onSnapshotInstalled(index);
  }

  /** Answers the reads whose index the state has reached; then all whose deadline has come fail. */
  answer(now: Micros): void {
    this.#reads.serve(this.#raft.commit);
    this.#writes.expire(now);
    this.#reads.expire(now);
    this.#changes.expire(now);
  }

  nextDeadline(): Micros {
    const { leader, role } = this.#raft;
    const mayAsk = leader !== 0 && role !== "leader";
    return Math.min(this.#writes.nextDeadline(), this.#reads.nextDeadline(mayAsk), this.#changes.nextDeadline(mayAsk));
  }

  // --- of the node's end

  /** The node stops, and asks for nothing itself any more. */
  endAnnouncement(): void {
    this.#changes.endAnnouncement();
  }

  /** A committed configuration does not have this node; `isApplied`: all up to it is applied here. */
  endRemoved(isApplied: boolean): void {
    this.#changes.resolveSelfRemoval();
    this.#writes.endRemoved(isApplied);
  }

  /** Every waiting request is told that the node stops; where it `isRemoved`, a request for that removal is told that it is done. */
  end(isRemoved: boolean): void {
    if (isRemoved) this.#changes.resolveSelfRemoval();
    this.#writes.end();
    this.#reads.end();
    this.#changes.end();
  }
}
