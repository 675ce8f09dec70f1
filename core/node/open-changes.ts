/**
 * Change requests at the leader. Each is a goal: the leader looks every turn whether it is reached, proposes the next step
 * where one can be, and waits where something else is under way (a promotion, the exit of a joint configuration). One goal
 * at a time. Each request counts in one term only, and is decided once in it.
 */
import { assert } from "../assert.ts";
import type { Change } from "../protocol/configuration.ts";
import type { ChangeOutcome } from "../protocol/message.ts";
import { isJoint, isReached, memberOf, refusal, stepTowards } from "../raft/membership.ts";
import type { Raft } from "../raft/raft.ts";
import type { Micros, NodeId, Term } from "../units.ts";
import type { ContextOf } from "./context.ts";
import { type ChangeKey, DecidedChanges } from "./decided-changes.ts";
import type { ReadBarrier } from "./pending-reads.ts";

type OpenChange = {
  readonly key: ChangeKey;
  readonly change: Change;
  readonly deadline: Micros;
  /** When this leader first saw it. */
  readonly since: Micros;
  /** This leader has begun to carry it out. */
  hasBegun: boolean;
  /** This node still led when the request was there already: what it knows is no older than the request. */
  isConfirmed: boolean;
  /** What it has come to; it is said once that is confirmed. */
  outcome: ChangeOutcome | null;
};

/** What a request has come to. */
export type Decision = { readonly key: ChangeKey; readonly term: Term; readonly outcome: ChangeOutcome };

function nameOf({ node, incarnation, boot, seq }: ChangeKey): string {
  return `${node}.${incarnation}.${boot}.${seq}`;
}

function isSameGoal(one: Change, other: Change): boolean {
  if (one.kind === "move" && other.kind === "move" && one.url !== other.url) return false;
  if (one.kind === "add" && other.kind === "add" && one.autoPromote !== other.autoPromote) return false;
  return one.kind === other.kind && one.id === other.id;
}

/** One for each boot. What is open ends with the term: its askers ask the next leader. */
export class OpenChanges {
  readonly #self: NodeId;
  readonly #electionMicros: Micros;
  readonly #readBarrier: ReadBarrier;
  /** All below is of this term. */
  #term: Term = 0;
  /** By name of their keys; in the order in which they came. */
  readonly #open = new Map<string, OpenChange>();
  /** Requests of other members. */
  readonly #openMax: number;
  readonly #decided: DecidedChanges;
  /** Nothing is proposed during a transfer: after a failed one, writes have as much time before the next begins. */
  #nextTransferAt: Micros = -Infinity;
  /** The term in which this leader has begun to hand over for the sake of its own removal. */
  #handedOverTerm: Term = 0;
  /** To whom it has handed over since another node led, in vain. */
  readonly #triedSuccessors = new Set<NodeId>();

  constructor(
    { identity, options }: ContextOf<never, "changeOutcomesMax" | "electionMicros" | "openChangesMax", "node">,
    readBarrier: ReadBarrier,
  ) {
    this.#self = identity.node;
    this.#electionMicros = options.electionMicros;
    this.#openMax = options.openChangesMax;
    this.#decided = new DecidedChanges(options.changeOutcomesMax);
    this.#readBarrier = readBarrier;
  }

  /**
   * A request that was sent to this leader of `term`. Returns what it has come to, if that is decided; null: it will be
   * among what `advance` returns, or nothing is said of it, because too much is open.
   */
  add(key: ChangeKey, term: Term, change: Change, deadline: Micros, now: Micros): Decision | null {
    if (term !== this.#term) this.#begin(term);
    const decided = this.#decided.outcomeOf(key);
    if (decided !== null) return decided === "forgotten" ? null : { key, term, outcome: decided };
    const isFull = key.node !== this.#self && this.#open.size >= this.#openMax;
    const name = nameOf(key);
    if (isFull || this.#open.has(name)) return null;
    const fresh = { since: now, hasBegun: false, isConfirmed: false, outcome: null };
    const open: OpenChange = { key, change, deadline, ...fresh };
    this.#open.set(name, open);
    this.#readBarrier((isPassed) => {
      open.isConfirmed = isPassed;
    });
    return null;
  }

  #begin(term: Term): void {
    assert(term > this.#term, "a leader's terms rise");
    this.#term = term;
    this.#nextTransferAt = -Infinity;
    this.#open.clear();
    this.#decided.clear();
  }

  /** This node does not lead; `leader`: who does, or 0. */
  stepDown(leader: NodeId): void {
    this.#open.clear();
    if (leader !== 0) this.#triedSuccessors.clear();
  }

  /** Takes the steps that can be taken now; returns what is decided. For the leader, every turn. */
  advance(now: Micros, raft: Raft, hasLostRows: (id: NodeId) => boolean): Decision[] {
    assert(raft.role === "leader", "changes are carried out by the leader");
    if (raft.term !== this.#term) this.#begin(raft.term);
    const decisions: Decision[] = [];
    let first: OpenChange | null = null;
    for (const [name, open] of this.#open) {
      if (open.outcome === null) open.outcome = this.#judge(open, first, now, raft, hasLostRows);
      if (open.outcome === null) first ??= open;
      const outcome = now >= open.deadline ? "gave-up" : open.isConfirmed ? open.outcome : null;
      if (outcome === null) continue;
      this.#open.delete(name);
      this.#decided.add(open.key, outcome);
      decisions.push({ key: open.key, term: raft.term, outcome });
    }
    return decisions;
  }

  /**
   * The outcome of `open`, or null while it is under way or cannot be told: before this leader has committed in its
   * term, an earlier leader's step may still be committed. `first`: the change that is carried out; null: `open` is.
   */
  #judge(
    open: OpenChange,
    first: OpenChange | null,
    now: Micros,
    raft: Raft,
    hasLostRows: (id: NodeId) => boolean,
  ): ChangeOutcome | null {
    if (!raft.committedInTerm) return null;
    const { change } = open;
    const isDone =
      change.kind === "transfer-leader"
        ? change.id === this.#self
        : isReached(change, raft.committedConfiguration.configuration);
    if (first !== null && !isSameGoal(first.change, change)) {
      // An earlier leader's unfinished step may be the change that this request asks for.
      const { configuration, committedConfiguration } = raft;
      const isSettled = !isJoint(configuration) && committedConfiguration.configuration === configuration;
      if (!isSettled && !first.hasBegun) return null;
      if (!isDone) return "other-change";
      return refusal(change, configuration, () => true) === "unknown-member" ? "unknown-member" : "done";
    }
    const since = now - this.#electionMicros;
    const isFit = (id: NodeId): boolean => raft.isFit(id, since) && !hasLostRows(id);
    const trouble = refusal(change, raft.configuration, isFit);
    // A busy moment of this node is no silence of the others: that takes an election timeout to show.
    const isPatient = now < open.since + this.#electionMicros;
    if (trouble === "no-majority-left" && isPatient) return null;
    if (trouble !== null) return trouble;
    if (isDone) return "done";
    return this.#step(open, isPatient, now, raft, isFit);
  }

  /** Takes the next step where one can be taken; or says why none ever can. */
  #step(
    open: OpenChange,
    isPatient: boolean,
    now: Micros,
    raft: Raft,
    isFit: (id: NodeId) => boolean,
  ): ChangeOutcome | null {
    const { change } = open;
    if (change.kind === "transfer-leader") {
      if (raft.transferee !== 0 || now < this.#nextTransferAt) return null;
      // Nothing is proposed during a transfer: so none begins to a node that does not answer.
      if (!isFit(change.id)) return isPatient || open.hasBegun ? null : "not-caught-up";
      open.hasBegun = true;
      this.#nextTransferAt = now + 2 * this.#electionMicros;
      raft.transfer(now, change.id);
      return null;
    }
    if (change.kind === "remove" && change.id === this.#self && this.#handsOver(now, raft, isFit)) return null;
    if (change.kind === "promote" && !this.#mayVote(change.id, raft, isFit)) {
      const isLearner = raft.configuration.learners.includes(change.id);
      return isPatient || !isLearner ? null : "not-caught-up";
    }
    const next = stepTowards(change, raft.configuration, raft.log.lastIndex + 1);
    if (next !== null && raft.proposeConfiguration(now, next) === null) open.hasBegun = true;
    return null;
  }

  /**
   * A learner that lacks the entry that added it could not vote. A learner that is silent, or waits for a snapshot,
   * cannot be counted on either: as a voter it might be missed for ever.
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

  nextDeadline(): Micros {
    let deadline = Infinity;
    for (const open of this.#open.values()) deadline = Math.min(deadline, open.deadline);
    return deadline;
  }
}
