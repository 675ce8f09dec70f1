/**
 * Reads that wait for a read index, then for the state to reach it, then for the store's answer; the deadline holds for
 * all three. All linearizable reads of a turn are one batch: one question to the leader, one look at the store. A batch
 * is asked again, under the same id, where the leadership has changed or an answer is overdue: asking twice changes
 * nothing. Stale reads need no index.
 */
import type { Outgoing } from "../protocol/message.ts";
import type { ReadGrant } from "../raft/ready.ts";
import type { Raft } from "../raft/raft.ts";
import type { Index, Micros, Term } from "../units.ts";
import type { ContextOf, OriginField } from "./context.ts";
import type { FailureCode, ReadOutcome } from "./options.ts";

/**
 * "linearizable": a quorum is asked. "lease": the leader answers by its lease where it holds one. "stale": the state
 * here and now.
 */
export type Consistency = "linearizable" | "lease" | "stale";
type Waiter = {
  readonly key: string;
  readonly consistency: Consistency | "barrier";
  readonly done: (outcome: ReadOutcome) => void;
};
type ReadBatch = {
  readonly id: number;
  readonly deadline: Micros;
  readonly waiters: readonly Waiter[];
  /** The term whose leader was asked last, and when; 0 before. */
  askedTerm: Term;
  askedAt: Micros;
  /** Granted read index, or -1. */
  index: Index;
  /** The store has been asked. */
  isReading: boolean;
  /** It looks at no row: it is answered as soon as this node knows of so much as committed, applied or not. */
  readonly isBarrier: boolean;
};

/**
 * Completes with true once this node knows of everything as committed that was when it was called; if it has led all the
 * while, it still led at some moment after that. False: not in time. What is committed need not be applied yet.
 */
export type ReadBarrier = (done: (isPassed: boolean) => void) => void;
type ReadsContext = ContextOf<"onDiskError" | "store", "heartbeatMicros", OriginField>;

/** One for each boot. A read ends once, by a row or by its deadline. */
export class PendingReads {
  readonly #context: ReadsContext;
  readonly #retryMicros: Micros;
  #nextId = 1;
  #arrived: Waiter[] = [];
  #count = 0;
  /** The node's own among them. */
  #barriers = 0;
  /** The commit index of this node, as of its last turn. */
  #commit: Index = 0;
  /** By id, oldest first: deadlines never fall along the Map. */
  readonly #batches = new Map<number, ReadBatch>();

  constructor(context: ReadsContext) {
    this.#context = context;
    this.#retryMicros = 2 * context.options.heartbeatMicros;
  }

  /** Those of clients: a node that stops waits for them, and for none of its own. */
  get count(): number {
    return this.#count - this.#barriers;
  }

  /** By lease: where this node leads, and surely nobody else does, the leader's word is enough. */
  add(key: string, consistency: Consistency, done: (outcome: ReadOutcome) => void): void {
    this.#count += 1;
    this.#arrived.push({ key, consistency, done });
  }

  /** See ReadBarrier. */
  barrier(done: (isPassed: boolean) => void): void {
    this.#barriers += 1;
    this.#count += 1;
    const end = ({ ok }: ReadOutcome): void => {
      this.#barriers -= 1;
      done(ok);
    };
    this.#arrived.push({ key: "", consistency: "barrier", done: end });
  }

  /** Closes this turn's batch and asks for all that have no answer. */
  dispatch(now: Micros, deadline: Micros, raft: Raft): Outgoing[] {
    const arrived = this.#arrived;
    this.#arrived = [];
    const of = (consistency: Waiter["consistency"]): Waiter[] =>
      arrived.filter((waiter) => waiter.consistency === consistency);
    const byLease = of("lease");
    const leaseIndex = byLease.length > 0 ? raft.leaseRead(now) : null;
    this.#batch(of("stale"), deadline, 0);
    if (leaseIndex !== null) this.#batch(byLease, deadline, leaseIndex);
    this.#batch(leaseIndex === null ? [...of("linearizable"), ...byLease] : of("linearizable"), deadline, -1);
    this.#batch(of("barrier"), deadline, -1, true);
    if (raft.leader === 0) return [];
    const { node, incarnation, boot } = this.#context.identity;
    const out: Outgoing[] = [];
    for (const batch of this.#batches.values()) {
      const overdue = raft.role !== "leader" && now >= batch.askedAt + this.#retryMicros;
      if (batch.index >= 0 || (batch.askedTerm === raft.term && !overdue)) continue;
      batch.askedTerm = raft.term;
      batch.askedAt = now;
      const request = { incarnation, boot, id: batch.id };
      if (raft.role === "leader") raft.requestReadIndex({ node, ...request });
      else out.push({ to: raft.leader, message: { kind: "read", ...request } });
    }
    return out;
  }

  #batch(waiters: readonly Waiter[], deadline: Micros, index: Index, isBarrier = false): void {
    if (waiters.length === 0) return;
    const id = this.#nextId++;
    this.#batches.set(id, { id, deadline, waiters, askedTerm: 0, askedAt: 0, index, isReading: false, isBarrier });
  }

  onGrant({ incarnation, boot, id, index }: Omit<ReadGrant, "node">): void {
    const own = this.#context.identity;
    if (incarnation !== own.incarnation || boot !== own.boot) return;
    const batch = this.#batches.get(id);
    if (batch === undefined || batch.index >= 0) return;
    batch.index = index;
    this.serve();
  }

  /** Answers every batch whose index the state has reached. `commit`: this node's. */
  serve(commit: Index = this.#commit): void {
    this.#commit = commit;
    for (const batch of this.#batches.values()) {
      if (batch.isReading || batch.index < 0) continue;
      if (!batch.isBarrier && batch.index <= this.#context.store.applied.index) this.#answer(batch);
      if (batch.isBarrier && batch.index <= commit) this.#pass(batch);
    }
  }

  #pass(batch: ReadBatch): void {
    this.#batches.delete(batch.id);
    this.#count -= batch.waiters.length;
    const revision = this.#context.store.applied.index;
    for (const { done } of batch.waiters) done({ ok: true, value: { row: null, revision } });
  }

  #answer(batch: ReadBatch): void {
    batch.isReading = true;
    const keys = batch.waiters.map((waiter) => waiter.key);
    const { onDiskError, store } = this.#context;
    store.read(keys, (error, rows) => {
      if (error !== null) return onDiskError(error);
      // It may have failed at its deadline meanwhile.
      if (!this.#batches.delete(batch.id)) return;
      this.#count -= keys.length;
      const revision = store.applied.index;
      for (const [k, { done }] of batch.waiters.entries())
        done({ ok: true, value: { row: rows[k] ?? null, revision } });
    });
  }

  /** A read never happens late: its failure is always definite. */
  expire(now: Micros): void {
    for (const batch of this.#batches.values()) {
      if (batch.deadline > now) return;
      this.#fail(batch, batch.askedTerm === 0 && batch.index < 0 ? "no-leader" : "timeout");
    }
  }

  end(): void {
    for (const batch of this.#batches.values()) this.#fail(batch, "stopping");
    for (const { done } of this.#arrived.splice(0)) done({ ok: false, code: "stopping", definite: true });
    this.#count = 0;
  }

  /** `mayAsk`: whether there is a leader elsewhere to be asked again. */
  nextDeadline(mayAsk: boolean): Micros {
    let deadline = Infinity;
    for (const batch of this.#batches.values()) {
      const askAgainAt = mayAsk && batch.index < 0 ? batch.askedAt + this.#retryMicros : Infinity;
      deadline = Math.min(deadline, batch.deadline, askAgainAt);
    }
    return deadline;
  }

  #fail(batch: ReadBatch, code: FailureCode): void {
    this.#batches.delete(batch.id);
    this.#count -= batch.waiters.length;
    for (const { done } of batch.waiters) done({ ok: false, code, definite: true });
  }
}
