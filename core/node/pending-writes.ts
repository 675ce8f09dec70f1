/**
 * Writes that wait for their entry to be applied. A write is in flight at most once: appended here, or forwarded to the
 * leader of one term. A write that certainly did not happen (the leader refused it, another entry was committed in its
 * place, the message never left) is queued again until its deadline; then it fails as definite. Any other write that is
 * not seen applied by its deadline has an unknown outcome.
 *
 * The queue is where writes wait when something behind it is full: no leader, no room on the stream to it, too much
 * uncommitted at it. Nothing is dropped for lack of room.
 */
import type { Applied } from "../kv/machine.ts";
import { type Command, encodeCommand } from "../kv/command.ts";
import { type Entry, entryKinds, type Proposal } from "../protocol/entry.ts";
import type { Forward, ForwardRefused } from "../protocol/message.ts";
import type { Raft } from "../raft/raft.ts";
import type { Index, Micros, Term } from "../units.ts";
import { type ContextOf, type OriginField, retryMicrosOf } from "./context.ts";
import type { FailureCode, SessionKey, WriteOutcome } from "./options.ts";

type Waiter = {
  readonly handle: number;
  readonly key: SessionKey;
  readonly payload: Uint8Array;
  readonly deadline: Micros;
  readonly done: (outcome: WriteOutcome) => void;
  /** Its sequence in the log's eyes, while it is in flight; 0 while it is queued. */
  seq: number;
  /** Where it was appended, if it was here; (0, 0) before, or if it was forwarded. */
  index: Index;
  term: Term;
  /** Its entry may be among those whose place a snapshot has taken: nobody will say. */
  isSkipped: boolean;
  /** Nobody waits for it any more. */
  isCancelled: boolean;
  /** What fails it if it is still queued at its deadline. */
  code: FailureCode;
};

type WritesContext = ContextOf<"network" | "send", "bytesPerForwardMax" | "heartbeatMicros", OriginField>;

/** One for each boot. A write ends once; its sequence numbers are never used again in that boot. */
export class PendingWrites {
  readonly #context: WritesContext;
  readonly #identity: WritesContext["identity"];
  /** How soon to try again where something was full. */
  readonly #retryMicros: Micros;
  #handle = 0;
  /** The last sequence that has left. */
  #seq = 0;
  /** By handle, oldest first: all have the same patience, so deadlines never fall along the Map. */
  readonly #waiting = new Map<number, Waiter>();
  /** Those in flight, by sequence: sequences of one forward are consecutive. */
  readonly #inFlight = new Map<number, Waiter>();
  /** Those appended here, by index. */
  readonly #appended = new Map<Index, Waiter>();
  /** In the order in which they are to leave. A write that has ended is not held here: there may be no leader for long. */
  readonly #queued = new Set<Waiter>();
  /** Something is full in that term (-1: nothing): what is queued is tried again at `#retryAt`, or in another term. */
  #blockedTerm: Term = -1;
  #retryAt: Micros = Infinity;

  constructor(context: WritesContext) {
    this.#context = context;
    this.#identity = context.identity;
    this.#retryMicros = retryMicrosOf(context);
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** Queues a write for the end of the turn. Returns a handle for `cancel`. */
  add(command: Command, key: SessionKey, deadline: Micros, done: (outcome: WriteOutcome) => void): number {
    const handle = ++this.#handle;
    const payload = encodeCommand(command);
    const queued = { seq: 0, index: 0, term: 0, isSkipped: false, isCancelled: false, code: "no-leader" } as const;
    const waiter: Waiter = { handle, key, payload, deadline, done, ...queued };
    this.#waiting.set(handle, waiter);
    this.#queued.add(waiter);
    return handle;
  }

  /**
   * Nobody waits for that write any more: it is forgotten if it has not left, or once it comes back refused. Whether it has
   * certainly not happened, and never will.
   */
  cancel(handle: number): boolean {
    const waiter = this.#waiting.get(handle);
    if (waiter === undefined) return false;
    waiter.isCancelled = true;
    return waiter.seq === 0 && this.#forget(waiter);
  }

  /**
   * Hands over what is queued, in order: to the own log, or to the leader this node knows. Keeps it where there is none,
   * where the leader cannot be reached, or where there is no room: what has not left may still go to
   * the next leader.
   */
  dispatch(now: Micros, raft: Raft): void {
    if (raft.term !== this.#blockedTerm || now >= this.#retryAt) {
      this.#blockedTerm = -1;
      this.#retryAt = Infinity;
    }
    if (this.#queued.size === 0 || raft.leader === 0 || this.#blockedTerm >= 0) return;
    if (raft.role !== "leader" && !this.#context.network.connected(raft.leader)) return;
    const queued = [...this.#queued];
    for (let taken = 0; taken < queued.length;) {
      const batch = batchOf(queued, taken, this.#context.options.bytesPerForwardMax);
      if (!this.#handOver(now, raft, batch)) return this.#block(raft.term, now);
      taken += batch.length;
    }
  }

  /** All of `batch` or nothing; false: it is as if it had not been tried. */
  #handOver(now: Micros, raft: Raft, batch: readonly Waiter[]): boolean {
    const proposals = batch.map((waiter, k) => this.#proposal(waiter, this.#seq + 1 + k));
    if (raft.role === "leader") {
      const proposed = raft.propose(now, proposals);
      if (!proposed.ok) {
        for (const waiter of batch) waiter.code = "busy";
        return false;
      }
      for (const [k, waiter] of batch.entries()) {
        waiter.index = proposed.value + k;
        waiter.term = raft.term;
        this.#appended.set(waiter.index, waiter);
      }
    } else {
      const message: Forward = { kind: "forward", term: raft.term, proposals };
      if (!this.#context.send({ to: raft.leader, message })) {
        for (const waiter of batch) waiter.code = "busy";
        return false;
      }
    }
    for (const waiter of batch) {
      this.#queued.delete(waiter);
      waiter.seq = ++this.#seq;
      this.#inFlight.set(waiter.seq, waiter);
    }
    return true;
  }

  #proposal({ key, payload }: Waiter, seq: number): Proposal {
    const { node, incarnation, boot } = this.#identity;
    const origin = { node, incarnation, boot, seq };
    return { kind: entryKinds.command, origin, ...key, payload };
  }

  #block(term: Term, now: Micros): void {
    this.#blockedTerm = term;
    this.#retryAt = now + this.#retryMicros;
  }

  /** An entry was applied: its write is done. A write appended at its index in another term is queued again. */
  onApplied(entry: Entry, applied: Applied | null): void {
    const { origin, index, term } = entry;
    const there = this.#appended.get(index);
    if (there !== undefined) {
      this.#appended.delete(index);
      if (there.term !== term) this.#queueAgain(there, "superseded");
    }
    if (applied === null || origin.node !== this.#identity.node) return;
    // A node that was removed and came back empty counts its starts and writes from one again.
    if (origin.incarnation !== this.#identity.incarnation || origin.boot !== this.#identity.boot) return;
    const waiter = this.#inFlight.get(origin.seq);
    if (waiter === undefined) return;
    this.#forget(waiter);
    waiter.done({ ok: true, value: applied });
  }

  /**
   * A snapshot has taken the place of all entries up to `index`: what was appended here at or below it is answered by
   * nobody any more, and may have happened; what was forwarded, perhaps.
   */
  onSnapshotInstalled(index: Index): void {
    for (const waiter of this.#inFlight.values()) waiter.isSkipped = true;
    for (const [at, waiter] of this.#appended) {
      if (at > index) continue;
      this.#appended.delete(at);
      this.#fail(waiter, "timeout", false);
    }
  }

  /** The leader will never append those: they go once more, a moment later, for what it lacks now it may have then. */
  onRefused(now: Micros, { term, incarnation, boot, firstSeq, count }: ForwardRefused): void {
    if (incarnation !== this.#identity.incarnation || boot !== this.#identity.boot) return;
    this.#block(term, now);
    for (let seq = firstSeq; seq < firstSeq + count && seq <= this.#seq; seq++) {
      const waiter = this.#inFlight.get(seq);
      if (waiter !== undefined) this.#queueAgain(waiter, "refused");
    }
  }

  /** It has certainly not happened, and is as if it had never left. */
  #queueAgain(waiter: Waiter, code: FailureCode): void {
    if (!this.#waiting.has(waiter.handle)) return;
    if (waiter.isCancelled) return void this.#forget(waiter);
    this.#inFlight.delete(waiter.seq);
    waiter.seq = waiter.index = waiter.term = 0;
    waiter.isSkipped = false;
    waiter.code = code;
    this.#queued.add(waiter);
  }

  expire(now: Micros): void {
    for (const waiter of this.#waiting.values()) {
      if (waiter.deadline > now) return;
      const isQueued = waiter.seq === 0;
      this.#fail(waiter, isQueued ? waiter.code : "timeout", isQueued);
    }
  }

  /** Everything still waiting fails now; what is in flight is unknown. */
  end(): void {
    for (const waiter of this.#waiting.values()) this.#fail(waiter, "stopping", waiter.seq === 0);
  }

  /**
   * The entry that removes this node is committed. A leader takes no forward behind that entry. Where it is applied too
   * (`isApplied`), what the leader took before is applied here or was skipped: any other forward that is not answered never
   * happens. A node that has lost its rows does not come to apply it, and cannot tell.
   */
  endRemoved(isApplied: boolean): void {
    for (const waiter of this.#waiting.values()) {
      const neverHappens = isApplied && waiter.index === 0 && !waiter.isSkipped;
      this.#fail(waiter, "stopping", waiter.seq === 0 || neverHappens);
    }
  }

  nextDeadline(): Micros {
    for (const { deadline } of this.#waiting.values()) {
      return this.#queued.size > 0 ? Math.min(deadline, this.#retryAt) : deadline;
    }
    return Infinity;
  }

  #fail(waiter: Waiter, code: FailureCode, definite: boolean): void {
    if (!this.#forget(waiter)) return;
    waiter.done({ ok: false, code, definite });
  }

  #forget(waiter: Waiter): boolean {
    this.#queued.delete(waiter);
    this.#inFlight.delete(waiter.seq);
    return this.#waiting.delete(waiter.handle);
  }
}

/** Those from `start` on that go together; the write that crosses `bytesMax` is still taken, so that none is too large. */
function batchOf(queued: readonly Waiter[], start: number, bytesMax: number): readonly Waiter[] {
  let end = start;
  for (let bytes = 0; end < queued.length && bytes < bytesMax; end++) bytes += queued[end]!.payload.length;
  return queued.slice(start, end);
}
