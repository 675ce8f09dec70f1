/**
 * A follower: what it knows of its term's leader, how much of its log is known to be that leader's, and what it has
 * acknowledged. Raft paper, 5.3.
 */
import { assert } from "../assert.ts";
import type { Index, NodeId, Term } from "../units.ts";
import type { CompactionPoint } from "../protocol/configuration.ts";
import type { RaftLog } from "./log.ts";
import type { Append, AppendReply } from "../protocol/message.ts";
import type { ServerState } from "./server-state.ts";

/** The role of a node in one term, from when it enters that term until it campaigns and wins. */
export class Follower {
  readonly role = "follower";
  /** Who leads this term; 0: not known, or silent for too long. */
  leader: NodeId;
  readonly #server: ServerState;
  readonly #log: RaftLog;
  /** Up to here the log is known to equal the leader's. Invariant: verified <= last. */
  #verified: Index = 0;
  #ackedMatch: Index = 0;
  #ackRound = 0;

  /** Of the term in which the server is now. */
  constructor(server: ServerState, leader: NodeId) {
    this.#server = server;
    this.#log = server.log;
    this.leader = leader;
  }

  /** Takes an append of this term's leader; the answer leaves now, or once the new entries are durable. */
  onAppend(append: Append): void {
    assert(append.term === this.#server.term, "a follower takes entries from the leader of its term only");
    const refusal = this.#refusalOf(append);
    if (refusal !== null) return this.#server.send(this.leader, refusal);
    const isAnswerDue = this.#take(append);
    this.#server.commitUpTo(this.#committable(append));
    if (isAnswerDue) this.acknowledge();
  }

  /** What may be taken from the leader's commit index: nothing beyond what is verified. */
  #committable(append: Append): Index {
    return Math.min(append.commit, append.prevIndex + append.entries.length);
  }

  /** Tells the leader from where on the two logs may be equal; null: this one holds what the entries follow. */
  #refusalOf({ prevIndex, prevTerm, round, stream }: Append): AppendReply | null {
    if (!this.#log.matches(prevIndex, prevTerm) && prevIndex >= this.#log.baseIndex) {
      const hintIndex = this.#log.lastPossibleMatch(prevIndex, prevTerm);
      const hintTerm = this.#log.termAt(hintIndex);
      return { ...emptyReply(this.#server.term, round, false, 0), stream, prevIndex, hintIndex, hintTerm };
    }
    return null;
  }

  /** Takes the append's entries, overwriting only what differs. Returns whether an acknowledgement is due at once. */
  #take({ prevIndex, entries, round }: Append): boolean {
    // What lies below the log's base is committed, and so the leader's too.
    const { baseIndex } = this.#log;
    const fresh = entries.findIndex(({ index, term }) => index > baseIndex && !this.#log.matches(index, term));
    if (fresh >= 0) {
      assert(entries[fresh]!.index > this.#server.commit, "what is committed is never overwritten");
      this.#log.append(fresh === 0 ? entries : entries.slice(fresh));
    }
    this.#verified = Math.max(this.#verified, prevIndex + entries.length);
    // New entries are acknowledged when they are durable; a new round or a heartbeat is answered at once.
    const answerNow = fresh < 0 || round > this.#ackRound;
    this.#ackRound = Math.max(this.#ackRound, round);
    return answerNow;
  }

  /** A durable snapshot at `base`, from this term's leader, takes the place of the log so far. False where it is too late. */
  restore(base: CompactionPoint): boolean {
    const { index } = base.place;
    if (index <= this.#server.commit) return false;
    this.#server.restore(base);
    this.#verified = Math.max(this.#verified, index);
    assert(this.#log.baseIndex === index, "the log begins after the snapshot");
    if (this.leader !== 0) this.acknowledge();
    return true;
  }

  /** The leader offers what is committed here already: tells it so. False where `index` lies beyond that. */
  acknowledgeUpTo(index: Index): boolean {
    if (index > this.#server.commit) return false;
    assert(this.#server.commit <= this.#log.lastIndex, "what is committed is in the log");
    this.#verified = Math.max(this.#verified, index);
    this.acknowledge();
    return true;
  }

  /** Whether more is durable than the leader has been told. */
  get acknowledgementDue(): boolean {
    return this.leader !== 0 && Math.min(this.#verified, this.#log.durableIndex) > this.#ackedMatch;
  }

  /** Tells the leader up to where the log equals its own, durably. */
  acknowledge(): void {
    assert(this.leader !== 0, "an acknowledgement is for a leader");
    this.#ackedMatch = Math.min(this.#verified, this.#log.durableIndex);
    this.#server.send(this.leader, emptyReply(this.#server.term, this.#ackRound, true, this.#ackedMatch));
  }
}

function emptyReply(term: Term, round: number, success: boolean, matchIndex: Index): AppendReply {
  return {
    kind: "append-reply",
    term,
    round,
    stream: 0,
    success,
    matchIndex,
    prevIndex: 0,
    hintIndex: 0,
    hintTerm: 0,
  };
}

/** Thesis 9.6: a node that waits in a higher term must tell a leader of a lower one, or it is never heard again. */
export function outdatedReply(term: Term): AppendReply {
  return emptyReply(term, 0, false, 0);
}
