/**
 * Operators' change requests that wait at this node: membership and leadership. The leader carries them out
 * (core/node/open-changes.ts). A member that does not lead asks the leader, and asks again: asking twice changes nothing.
 *
 * A refusal is definite where one leader alone was asked. Where several were, an earlier one may have carried the change
 * out, and another operator undone it.
 */
import type { Change } from "../protocol/configuration.ts";
import type { ChangeReply, ChangeRequest, Outgoing } from "../protocol/message.ts";
import type { Raft } from "../raft/raft.ts";
import type { Micros, NodeId, Term } from "../units.ts";
import type { ContextOf, OriginField } from "./context.ts";
import { type Decision, OpenChanges } from "./open-changes.ts";
import type { ChangeFailureCode, ChangeResult } from "./options.ts";
import type { ReadBarrier } from "./pending-reads.ts";
import { UrlAnnouncement } from "./url-announcement.ts";

type Waiter = {
  readonly seq: number;
  readonly change: Change;
  readonly deadline: Micros;
  readonly done: (result: ChangeResult) => void;
  /** The first and the last term whose leader was asked; this node itself counts where it leads. 0: nothing of it can have happened. */
  firstAskedTerm: Term;
  askedTerm: Term;
  askedAt: Micros;
  /** This node was still a member at some moment after the request came. */
  wasMember: boolean;
};

type ChangesContext = ContextOf<
  "send",
  "changeOutcomesMax" | "electionMicros" | "heartbeatMicros" | "openChangesMax",
  OriginField
>;

/** One for each boot. A request ends once, by an answer or by its deadline. */
export class PendingChanges {
  readonly #context: ChangesContext;
  readonly #identity: ChangesContext["identity"];
  readonly #retryMicros: Micros;
  readonly #announcement: UrlAnnouncement;
  readonly #readBarrier: ReadBarrier;
  readonly #isRemoved: () => boolean;
  readonly #open: OpenChanges;
  #seq = 0;
  /** This node's own request; 0 before. */
  #announcedSeq = 0;
  readonly #waiting = new Map<number, Waiter>();
  /** Answers to copies of what was decided before. */
  #repeated: Decision[] = [];

  /**
   * `announcedUrl`: where this member is reached now, if the operator has said so at its start. `isRemoved`: a committed
   * configuration that this node knows of is without it.
   */
  constructor(
    context: ChangesContext,
    announcedUrl: string | null,
    readBarrier: ReadBarrier,
    isRemoved: () => boolean,
  ) {
    this.#context = context;
    this.#identity = context.identity;
    this.#readBarrier = readBarrier;
    this.#isRemoved = isRemoved;
    this.#retryMicros = 2 * context.options.heartbeatMicros;
    this.#announcement = new UrlAnnouncement(context.identity.node, announcedUrl, this.#retryMicros);
    this.#open = new OpenChanges(context, readBarrier);
  }

  /** Those of operators: a node that stops waits for them, and not for its announcement. */
  get count(): number {
    return this.#waiting.size - (this.#waiting.has(this.#announcedSeq) ? 1 : 0);
  }

  /** This node asks for nothing itself any more. */
  endAnnouncement(): void {
    this.#announcement.end();
  }

  add(change: Change, deadline: Micros, done: (result: ChangeResult) => void): void {
    this.#add(change, deadline, done);
  }

  #add(change: Change, deadline: Micros, done: (result: ChangeResult) => void): number {
    const seq = ++this.#seq;
    const waiter = { seq, change, deadline, done, firstAskedTerm: 0, askedTerm: 0, askedAt: 0, wasMember: false };
    this.#waiting.set(seq, waiter);
    if (change.kind === "remove" && change.id === this.#identity.node) this.#noteMembership(waiter);
    return seq;
  }

  /** This node ends once it knows of a committed configuration without it: where it goes on, it is a member. */
  #noteMembership(waiter: Waiter): void {
    this.#readBarrier((isPassed) => {
      waiter.wasMember = isPassed && !this.#isRemoved();
    });
  }

  /** Another member asks the leader of a term: only that one may answer, and nobody in a later term. */
  onRequest(from: NodeId, request: ChangeRequest, raft: Raft, now: Micros, deadline: Micros): void {
    const { term, incarnation, boot, seq, change } = request;
    if (raft.role !== "leader" || raft.term !== term) return;
    const decision = this.#open.add({ node: from, incarnation, boot, seq }, term, change, deadline, now);
    if (decision !== null) this.#repeated.push(decision);
  }

  onReply({ term, incarnation, boot, seq, outcome }: ChangeReply): void {
    if (incarnation !== this.#identity.incarnation || boot !== this.#identity.boot) return;
    const waiter = this.#waiting.get(seq);
    if (waiter === undefined || outcome === "gave-up") return;
    if (outcome === "done") return this.#succeed(waiter);
    // Another leader has been asked since, and may carry it out.
    if (term !== waiter.askedTerm) return;
    this.#fail(waiter, outcome, waiter.firstAskedTerm === term);
  }

  /** Asks, proposes, answers: call it every turn, before Raft is asked for what is ready. Nothing is built on those who have lost their rows. */
  dispatch(now: Micros, raft: Raft, hasLostRows: (id: NodeId) => boolean): Outgoing[] {
    this.#announce(now, raft);
    const repeated = this.#repeated;
    this.#repeated = [];
    if (raft.role === "leader") return this.#answer([...repeated, ...this.#lead(now, raft, hasLostRows)]);
    this.#open.stepDown(raft.leader);
    this.#ask(now, raft);
    return [];
  }

  #announce(now: Micros, raft: Raft): void {
    const own = this.#announcement.due(now, raft);
    if (own === null) return;
    const deadline = now + 2 * this.#context.options.electionMicros;
    this.#announcedSeq = this.#add(own, deadline, (result) => this.#announcement.onResult(result));
  }

  #ask(now: Micros, { leader, term }: Raft): void {
    if (leader === 0) return;
    const { incarnation, boot } = this.#identity;
    for (const waiter of this.#waiting.values()) {
      const isRecent = now < waiter.askedAt + this.#retryMicros;
      if (isRecent && (waiter.askedTerm === term || waiter.askedTerm === 0)) continue;
      waiter.askedAt = now;
      const { seq, change } = waiter;
      const request = { kind: "change", term, incarnation, boot, seq, change } as const;
      if (this.#context.send({ to: leader, message: request })) this.#noteAsked(waiter, term);
    }
  }

  #noteAsked(waiter: Waiter, term: Term): void {
    if (waiter.firstAskedTerm === 0) waiter.firstAskedTerm = term;
    waiter.askedTerm = term;
  }

  #lead(now: Micros, raft: Raft, hasLostRows: (id: NodeId) => boolean): Decision[] {
    const { node, incarnation, boot } = this.#identity;
    for (const waiter of this.#waiting.values()) {
      const { seq, change, deadline } = waiter;
      this.#noteAsked(waiter, raft.term);
      const key = { node, incarnation, boot, seq };
      this.#open.add(key, raft.term, change, deadline, now);
    }
    return this.#open.advance(now, raft, hasLostRows);
  }

  /** Own waiters are told at once; returns what is to be said to others. */
  #answer(decisions: readonly Decision[]): Outgoing[] {
    const out: Outgoing[] = [];
    for (const { key, term, outcome } of decisions) {
      const { node, ...asked } = key;
      const reply: ChangeReply = { kind: "change-reply", term, ...asked, outcome };
      if (node === this.#identity.node) this.onReply(reply);
      else out.push({ to: node, message: reply });
    }
    return out;
  }

  expire(now: Micros): void {
    for (const waiter of this.#waiting.values()) {
      if (waiter.deadline > now) continue;
      const isDefinite = waiter.firstAskedTerm === 0;
      this.#fail(waiter, isDefinite ? "no-leader" : "timeout", isDefinite);
    }
  }

  /**
   * A committed configuration removes this node. The node that asked for it is answered, where it came after the request: else
   * another node may have its id by now.
   */
  resolveSelfRemoval(): void {
    for (const waiter of this.#waiting.values()) if (waiter.wasMember) this.#succeed(waiter);
  }

  /** Everything still waiting fails now. */
  end(): void {
    for (const waiter of this.#waiting.values()) this.#fail(waiter, "stopping", waiter.firstAskedTerm === 0);
  }

  /** `mayAsk`: whether there is a leader elsewhere to be asked again. */
  nextDeadline(mayAsk: boolean): Micros {
    let deadline = this.#open.nextDeadline();
    for (const waiter of this.#waiting.values()) {
      const askAgainAt = mayAsk ? waiter.askedAt + this.#retryMicros : Infinity;
      deadline = Math.min(deadline, waiter.deadline, askAgainAt);
    }
    return deadline;
  }

  #succeed({ seq, done }: Waiter): void {
    if (this.#waiting.delete(seq)) done({ ok: true, value: null });
  }

  #fail({ seq, done }: Waiter, code: ChangeFailureCode, definite: boolean): void {
    if (this.#waiting.delete(seq)) done({ ok: false, code, definite });
  }
}
