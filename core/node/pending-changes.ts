/**
 * Operators' change requests: membership and leadership. Each is a goal; the leader looks every turn whether it is reached,
 * proposes the next step where one can be, and waits where something else is under way (a promotion, a joint exit). One
 * operator's goal at a time. A member that does not lead asks the leader, and asks again: asking twice changes nothing.
 */
import type { Change } from "../protocol/configuration.ts";
import type { ChangeOutcome, ChangeReply, ChangeRequest, Outgoing } from "../protocol/message.ts";
import { isReached, memberOf, refusal, stepTowards } from "../raft/membership.ts";
import type { Raft } from "../raft/raft.ts";
import type { Micros, NodeId, Term } from "../units.ts";
import type { ChangeResult } from "./options.ts";
import { UrlAnnouncement } from "./url-announcement.ts";
import type { TrySend } from "./pending-writes.ts";

type Waiter = {
  readonly seq: number;
  readonly change: Change;
  readonly deadline: Micros;
  readonly done: (result: ChangeResult) => void;
  /** The term whose leader was asked, or in which this node has begun it itself; 0: nothing of it can have happened. */
  askedTerm: Term;
  askedAt: Micros;
};

/** A change request at the leader: its own client's, or another member's. */
type OpenChange = {
  readonly change: Change;
  readonly deadline: Micros;
  readonly answer: (outcome: ChangeOutcome) => Outgoing | null;
  /** Something is about to be done for it. */
  readonly onBegin: () => void;
  /** When this leader first saw it. */
  readonly since: Micros;
  /** This leader has told a member to take over: that may still come to pass. */
  hasHandedOver: boolean;
};

const openMax = 64;

export class PendingChanges {
  readonly #self: NodeId;
  readonly #boot: number;
  readonly #electionMicros: Micros;
  readonly #retryMicros: Micros;
  readonly #announcement: UrlAnnouncement;
  #seq = 0;
  readonly #waiting = new Map<number, Waiter>();
  /** By who asked; in the order in which they came. */
  readonly #open = new Map<string, OpenChange>();
  /** The term in which this leader has begun to hand over for the sake of its own removal. */
  #handedOverTerm: Term = 0;
  /** To whom it has handed over since another node led, in vain. */
  readonly #triedSuccessors = new Set<NodeId>();

  /** `announcedUrl`: where this member is reached now, if the operator has said so at its start. */
  constructor(
    self: NodeId,
    boot: number,
    announcedUrl: string | null,
    electionMicros: Micros,
    heartbeatMicros: Micros,
  ) {
    this.#self = self;
    this.#boot = boot;
    this.#electionMicros = electionMicros;
    this.#retryMicros = 2 * heartbeatMicros;
    this.#announcement = new UrlAnnouncement(self, announcedUrl);
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** This node asks for nothing itself any more. */
  endAnnouncement(): void {
    this.#announcement.end();
  }

  add(change: Change, deadline: Micros, done: (result: ChangeResult) => void): void {
    const seq = ++this.#seq;
    this.#waiting.set(seq, { seq, change, deadline, done, askedTerm: 0, askedAt: 0 });
  }

  /** Another member asks. */
  onRequest(from: NodeId, { boot, seq, change }: ChangeRequest, now: Micros, deadline: Micros): void {
    const key = `${from}.${boot}.${seq}`;
    if (this.#open.has(key) || this.#open.size >= openMax) return;
    const answer = (outcome: ChangeOutcome): Outgoing => {
      return { to: from, message: { kind: "change-reply", boot, seq, outcome } };
    };
    this.#open.set(key, { change, deadline, answer, onBegin: () => undefined, since: now, hasHandedOver: false });
  }

  onReply({ boot, seq, outcome }: ChangeReply): void {
    if (boot === this.#boot && outcome !== "gave-up") this.#finish(seq, outcome);
  }

  /** Asks, proposes, answers: call it every turn, before Raft is asked for what is ready. Nothing is built on those who have lost their rows. */
  dispatch(now: Micros, raft: Raft, hasLostRows: (id: NodeId) => boolean, send: TrySend): Outgoing[] {
    const own = this.#announcement.due(raft);
    if (own !== null) this.add(own, now + 2 * this.#electionMicros, (result) => this.#announcement.onResult(result));
    for (const waiter of this.#waiting.values()) {
      if (waiter.change.kind === "transfer-leader" && raft.leader === waiter.change.id)
        this.#finish(waiter.seq, "done");
    }
    if (raft.role === "leader") return this.#lead(now, raft, hasLostRows);
    this.#ask(now, raft, send);
    return [];
  }

  #ask(now: Micros, raft: Raft, send: TrySend): void {
    this.#open.clear();
    if (raft.leader === 0) return;
    this.#triedSuccessors.clear();
    for (const waiter of this.#waiting.values()) {
      const isRecent = now < waiter.askedAt + this.#retryMicros;
      if (isRecent && (waiter.askedTerm === raft.term || waiter.askedTerm === 0)) continue;
      waiter.askedAt = now;
      const { seq, change } = waiter;
      const isSent = send({ to: raft.leader, message: { kind: "change", boot: this.#boot, seq, change } });
      if (isSent) waiter.askedTerm = raft.term;
    }
  }

  #lead(now: Micros, raft: Raft, hasLostRows: (id: NodeId) => boolean): Outgoing[] {
    for (const waiter of this.#waiting.values()) {
      const { seq, change, deadline } = waiter;
      const answer = (outcome: ChangeOutcome): null => {
        if (outcome !== "gave-up") this.#finish(seq, outcome);
        return null;
      };
      const key = `${this.#self}.${this.#boot}.${seq}`;
      const onBegin = (): void => {
        waiter.askedTerm = raft.term;
      };
      if (this.#open.has(key)) continue;
      this.#open.set(key, { change, deadline, answer, onBegin, since: now, hasHandedOver: false });
    }
    const out: Outgoing[] = [];
    let first: Change | null = null;
    for (const [key, open] of this.#open) {
      const { change, deadline, answer } = open;
      const isOther = first !== null && (first.kind !== change.kind || first.id !== change.id);
      const outcome = now >= deadline ? "gave-up" : isOther ? "busy" : this.#judge(open, now, raft, hasLostRows);
      first ??= change;
      if (outcome === null) continue;
      if (first === change) first = null;
      this.#open.delete(key);
      const outgoing = answer(outcome);
      if (outgoing !== null) out.push(outgoing);
    }
    return out;
  }

  /** What became of it, or null while it is under way. Takes the next step where one can be taken. */
  #judge(open: OpenChange, now: Micros, raft: Raft, hasLostRows: (id: NodeId) => boolean): ChangeOutcome | null {
    const { change, onBegin } = open;
    if (change.kind === "transfer-leader" && change.id === this.#self) return "done";
    const since = now - this.#electionMicros;
    const isFit = (id: NodeId): boolean => raft.isFit(id, since) && !hasLostRows(id);
    const trouble = refusal(change, raft.configuration, isFit);
    // A busy moment of this node is no silence of the others: that takes an election timeout to show.
    const isPatient = now < open.since + this.#electionMicros;
    if (trouble === "no-majority-left" && isPatient) return null;
    // Before that, an earlier leader's step for the same change may still be committed.
    const isDefinite = raft.committedInTerm;
    if (trouble !== null) return isDefinite ? trouble : null;
    if (isReached(change, raft.committedConfiguration.configuration)) return "done";
    if (change.kind === "transfer-leader") {
      if (raft.transferee !== 0) return null;
      // While one hands over nothing is proposed: not for the sake of a node that does not answer.
      if (!isFit(change.id)) return isPatient || !isDefinite || open.hasHandedOver ? null : "not-caught-up";
      onBegin();
      open.hasHandedOver = true;
      raft.transfer(now, change.id);
      return null;
    }
    if (change.kind === "remove" && change.id === this.#self && this.#handsOver(now, raft, isFit)) return null;
    if (change.kind === "promote" && !this.#mayVote(change.id, raft, isFit)) {
      const isLearner = raft.configuration.learners.includes(change.id);
      return isPatient || !isDefinite || !isLearner ? null : "not-caught-up";
    }
    const next = stepTowards(change, raft.configuration, raft.log.lastIndex + 1);
    if (next !== null && raft.proposeConfiguration(now, next) === null) onBegin();
    return null;
  }

  /**
   * One that has not come to the entry that added it could not vote; nor may one be counted on that is silent, or waits
   * for a snapshot: as a voter it might be missed for ever.
   */
  #mayVote(id: NodeId, raft: Raft, isFit: (id: NodeId) => boolean): boolean {
    const match = raft.progressOf(id)?.match ?? 0;
    return isFit(id) && match >= memberOf(raft.configuration, id)!.incarnation;
  }

  /**
   * A leader that is to be removed hands over first: the new leader, asked again, carries the removal on, and no election
   * is waited for. Where nobody can take over, or has in one try, the leader removes itself. A node that was sent timeout-now and
   * was not elected is not told again: it may be cut off from the others, and would depose each leader that it is told by.
   */
  #handsOver(now: Micros, raft: Raft, isFit: (id: NodeId) => boolean): boolean {
    const { term, configuration } = raft;
    if (!configuration.voters.includes(this.#self)) return false;
    if (raft.transferee !== 0) return true;
    const to = raft.successor((id) => !isFit(id) || this.#triedSuccessors.has(id));
    if (to === 0 || this.#handedOverTerm === term) return false;
    this.#handedOverTerm = term;
    this.#triedSuccessors.add(to);
    return raft.transfer(now, to);
  }

  expire(now: Micros): void {
    for (const { seq, deadline, askedTerm, done } of this.#waiting.values()) {
      if (deadline > now) continue;
      this.#waiting.delete(seq);
      const isDefinite = askedTerm === 0;
      done({ ok: false, code: isDefinite ? "no-leader" : "timeout", definite: isDefinite });
    }
  }

  /** A committed configuration removes this node: the operator that asked for that is answered. */
  resolveSelfRemoval(): void {
    for (const { seq, change } of this.#waiting.values()) {
      if (change.kind === "remove" && change.id === this.#self) this.#finish(seq, "done");
    }
  }

  end(): void {
    for (const { askedTerm, done } of this.#waiting.values()) {
      done({ ok: false, code: "stopping", definite: askedTerm === 0 });
    }
    this.#waiting.clear();
  }

  /** `mayAsk`: whether there is a leader elsewhere to be asked again. */
  nextDeadline(mayAsk: boolean): Micros {
    let deadline = Infinity;
    for (const waiter of this.#waiting.values()) {
      const askAgainAt = mayAsk ? waiter.askedAt + this.#retryMicros : Infinity;
      deadline = Math.min(deadline, waiter.deadline, askAgainAt);
    }
    for (const open of this.#open.values()) deadline = Math.min(deadline, open.deadline);
    return deadline;
  }

  #finish(seq: number, outcome: Exclude<ChangeOutcome, "gave-up">): void {
    const waiter = this.#waiting.get(seq);
    if (waiter === undefined) return;
    this.#waiting.delete(seq);
    waiter.done({ ok: true, outcome });
  }
}
