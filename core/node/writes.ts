/**
 * Writes that wait for their entry to be applied. A write leaves this node at most once: appended here, or forwarded to
 * the leader of one term. What is known not to happen is refused as definite; all else that is not seen applied by its
 * deadline is unknown.
 */
import type { Applied } from "../kv/machine.ts";
import { type Command, encodeCommand } from "../kv/command.ts";
import { type Entry, entryKinds, type ForwardRefused, type Outgoing, type Proposal } from "../raft/messages.ts";
import type { Raft } from "../raft/raft.ts";
import type { Index, Micros, NodeId, Term } from "../units.ts";
import type { FailureCode, SessionKey, WriteOutcome } from "./options.ts";

const forwardBytesMax = 1024 * 1024;

type Waiter = {
  readonly proposal: Proposal;
  readonly deadline: Micros;
  readonly done: (outcome: WriteOutcome) => void;
  /** Where it was appended, if it was here; (0, 0) before, or if it was forwarded. */
  index: Index;
  term: Term;
  sent: boolean;
};

export class Writes {
  readonly #node: NodeId;
  readonly #incarnation: Index;
  readonly #boot: number;
  #seq = 0;
  /** By sequence, oldest first: all have the same patience, so deadlines never fall along the Map. */
  readonly #waiting = new Map<number, Waiter>();
  /** Those appended here, by index. */
  readonly #appended = new Map<Index, number>();
  #queued: number[] = [];

  constructor(node: NodeId, incarnation: Index, boot: number) {
    this.#node = node;
    this.#incarnation = incarnation;
    this.#boot = boot;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** Queues a write for the end of the turn. Returns its sequence, for `cancel`. */
  add(command: Command, key: SessionKey, deadline: Micros, done: (outcome: WriteOutcome) => void): number {
    const seq = ++this.#seq;
    const origin = { node: this.#node, incarnation: this.#incarnation, boot: this.#boot, seq };
    const proposal = { kind: entryKinds.command, origin, ...key, payload: encodeCommand(command) };
    this.#waiting.set(seq, { proposal, deadline, done, index: 0, term: 0, sent: false });
    this.#queued.push(seq);
    return seq;
  }

  /** Forgets a write that nobody waits for any more; it never happens if it has not left. */
  cancel(seq: number): void {
    const waiter = this.#waiting.get(seq);
    if (waiter !== undefined && !waiter.sent) this.#waiting.delete(seq);
  }

  /**
   * Hands over what is queued: to the own log, or to the leader this node knows. Keeps it where there is none, or where
   * `connected` says that the leader cannot be reached: what has not left may still go to the next one.
   */
  dispatch(now: Micros, raft: Raft, connected: (node: NodeId) => boolean): Outgoing[] {
    if (this.#queued.length === 0 || raft.leader === 0) return [];
    if (raft.role !== "leader" && !connected(raft.leader)) return [];
    const waiters = this.#queued.map((seq) => this.#waiting.get(seq)).filter((waiter) => waiter !== undefined);
    this.#queued = [];
    if (waiters.length === 0) return [];
    if (raft.role !== "leader") return this.#forward(raft, waiters);
    const proposed = raft.propose(
      now,
      waiters.map((waiter) => waiter.proposal),
    );
    for (const [k, waiter] of waiters.entries()) {
      const seq = waiter.proposal.origin.seq;
      if (proposed.ok) {
        waiter.sent = true;
        waiter.index = proposed.firstIndex + k;
        waiter.term = raft.term;
        this.#appended.set(waiter.index, seq);
      } else this.#fail(seq, "busy", true);
    }
    return [];
  }

  #forward(raft: Raft, waiters: readonly Waiter[]): Outgoing[] {
    const out: Outgoing[] = [];
    let proposals: Proposal[] = [];
    let bytes = 0;
    const flush = (): void => {
      if (proposals.length > 0) out.push({ to: raft.leader, message: { kind: "forward", term: raft.term, proposals } });
      proposals = [];
      bytes = 0;
    };
    for (const waiter of waiters) {
      waiter.sent = true;
      proposals.push(waiter.proposal);
      bytes += waiter.proposal.payload.length;
      if (bytes >= forwardBytesMax) flush();
    }
    flush();
    return out;
  }

  /** An entry was applied: the write that it came from is done, and one that waited in its place never will be. */
  onApplied(entry: Entry, applied: Applied | null): void {
    const { origin, index, term } = entry;
    const there = this.#appended.get(index);
    if (there !== undefined) {
      this.#appended.delete(index);
      if (this.#waiting.get(there)?.term !== term) this.#fail(there, "superseded", true);
    }
    if (applied === null || origin.node !== this.#node) return;
    // A node that was removed and came back empty counts its starts and writes from one again.
    if (origin.incarnation !== this.#incarnation || origin.boot !== this.#boot) return;
    const waiter = this.#waiting.get(origin.seq);
    if (waiter === undefined) return;
    this.#waiting.delete(origin.seq);
    waiter.done({ ok: true, applied });
  }

  /**
   * A snapshot has taken the place of all entries up to `index`: what was appended here at or below it is answered by
   * nobody any more, and may have happened.
   */
  skippedTo(index: Index): void {
    for (const [at, seq] of this.#appended) {
      if (at > index) continue;
      this.#appended.delete(at);
      this.#fail(seq, "timeout", false);
    }
  }

  onRefused({ boot, firstSeq, count }: ForwardRefused): void {
    if (boot !== this.#boot) return;
    for (let seq = firstSeq; seq < firstSeq + count && seq <= this.#seq; seq++) this.#fail(seq, "refused", true);
  }

  expire(now: Micros): void {
    for (const [seq, waiter] of this.#waiting) {
      if (waiter.deadline > now) return;
      this.#fail(seq, waiter.sent ? "timeout" : "no-leader", !waiter.sent);
    }
  }

  /** Everything still waiting fails now; what has left is unknown. */
  end(): void {
    for (const [seq, waiter] of this.#waiting) this.#fail(seq, "stopping", !waiter.sent);
  }

  nextDeadline(): Micros {
    for (const waiter of this.#waiting.values()) return waiter.deadline;
    return Infinity;
  }

  #fail(seq: number, code: FailureCode, definite: boolean): void {
    const waiter = this.#waiting.get(seq);
    if (waiter === undefined) return;
    this.#waiting.delete(seq);
    waiter.done({ ok: false, code, definite });
  }
}
