/**
 * What a node has in every role (Raft paper, figure 2: "state on all servers"): term and vote, log, commit index, election
 * timer; the outbox through which all that it says must pass; and which forwards it has decided in its term.
 */
import { assert } from "../assert.ts";
import type { Random } from "../ports.ts";
import type { Index, Micros, NodeId, Term } from "../units.ts";
import type { CompactionPoint, ConfigurationAt, Configuration } from "../protocol/configuration.ts";
import { ElectionTimer } from "./election-timer.ts";
import { ForwardDeduplicator } from "./forward-deduplicator.ts";
import type { RaftLog } from "./log.ts";
import { isPromotable } from "./membership.ts";
import type { HardState } from "../protocol/entry.ts";
import type { Message } from "../protocol/message.ts";
import type { RaftOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";

/** What survives a restart. `applied` is in the log or its base: what was applied had been committed. */
export type Durable = { readonly hardState: HardState; readonly log: RaftLog; readonly applied: Index };

/** The state that outlives every role. Term, vote and log are durable; the commit index is found again after a restart. */
export class ServerState {
  readonly options: RaftOptions;
  readonly log: RaftLog;
  readonly timer: ElectionTimer;
  readonly outbox = new Outbox();
  readonly forwards = new ForwardDeduplicator();
  #term: Term;
  #vote: NodeId;
  /** Highest index known committed. Invariant: commit <= last; never falls. */
  #commit: Index;

  constructor(options: RaftOptions, { hardState, log, applied }: Durable, random: Random, now: Micros) {
    this.options = options;
    this.log = log;
    this.#term = hardState.term;
    this.#vote = hardState.vote;
    this.#commit = Math.max(log.baseIndex, applied);
    this.timer = new ElectionTimer(random, options.electionMicros, options.boot, hardState.term, now);
  }

  get term(): Term {
    return this.#term;
  }
  /** Whom this node has voted for in this term; 0: nobody. */
  get vote(): NodeId {
    return this.#vote;
  }
  get commit(): Index {
    return this.#commit;
  }
  /** The newest in the log, committed or not (thesis 4.1). */
  get configuration(): Configuration {
    return this.log.configurations.latest.configuration;
  }
  /** The newest that is committed. */
  get committedConfiguration(): ConfigurationAt {
    return this.log.configurations.at(this.#commit);
  }
  /** An entry of this term is committed, also where its log was cut behind it: its leader knows what is committed. */
  get committedInTerm(): boolean {
    return this.log.termAt(this.#commit) === this.#term;
  }

  /** Whether this node may campaign. */
  get promotable(): boolean {
    const { id, incarnation, voteBarrierIndex } = this.options;
    if (this.log.durableIndex < voteBarrierIndex) return false;
    const { latest, previous } = this.log.configurations;
    const isCommitted = latest.index <= this.#commit;
    return isPromotable(id, incarnation, latest.configuration, isCommitted ? null : previous.configuration);
  }

  /** Term and vote change as one value; from now on messages wait until it is durable. */
  setHardState(term: Term, vote: NodeId): void {
    assert(term >= this.#term, "the term never falls");
    const keepsVote = this.#vote === 0 || vote === this.#vote;
    assert(term > this.#term || keepsVote, "a vote once given stays in its term");
    if (term > this.#term) this.timer.newTerm();
    this.#term = term;
    this.#vote = vote;
    this.outbox.write({ term, vote });
  }

  commitUpTo(index: Index): void {
    assert(index <= this.log.lastIndex, "what is committed is in the log");
    this.#commit = Math.max(this.#commit, index);
  }

  /** Everything up to `index` is applied and durable elsewhere: the log begins after it. */
  compact(index: Index): void {
    assert(index <= this.#commit, "only what is committed is compacted");
    this.log.compact(index);
    this.outbox.writeBase(this.log.base, false);
  }

  /** A durable snapshot at `base`, beyond the commit index, takes the place of the log so far. */
  restore(base: CompactionPoint): void {
    assert(base.place.index > this.#commit, "a snapshot leads beyond what is committed");
    this.outbox.writeBase(base, !this.log.restore(base));
    this.#commit = base.place.index;
  }

  send(to: NodeId, message: Message): void {
    assert(to !== 0, "a message is for a node");
    this.outbox.send(to, message);
  }
}
