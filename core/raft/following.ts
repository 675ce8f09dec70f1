/**
 * What exists only while a node follows one term's leader: how much of its log is known to be the leader's, and what it
 * has acknowledged. Raft paper, 5.3.
 */
import { assert } from "../assert.ts";
import type { Append, AppendReply } from "../protocol/message.ts";
import type { Index, Term } from "../units.ts";
import type { RaftLog } from "./log.ts";

export class Following {
  readonly #log: RaftLog;
  readonly #term: Term;
  /** Up to here the log is known to equal the leader's. Invariant: verified <= last. */
  #verified: Index = 0;
  #ackedMatch: Index = 0;
  #ackRound = 0;

  constructor(log: RaftLog, term: Term) {
    this.#log = log;
    this.#term = term;
  }

  /** What may be taken from the leader's commit index: nothing beyond what is verified. */
  committable(append: Append): Index {
    return Math.min(append.commit, append.prevIndex + append.entries.length);
  }

  /**
   * Takes the append's entries, overwriting only what differs; `commit` is the node's commit index. Returns a refusal
   * for the leader, or whether an acknowledgement is due at once.
   */
  take(append: Append, commit: Index): AppendReply | boolean {
    const { prevIndex, prevTerm, entries, round, stream } = append;
    if (!this.#log.matches(prevIndex, prevTerm) && prevIndex >= this.#log.baseIndex) {
      const hintIndex = this.#log.lastPossibleMatch(prevIndex, prevTerm);
      const hintTerm = this.#log.termAt(hintIndex);
      return { ...emptyReply(this.#term, round, false, 0), stream, prevIndex, hintIndex, hintTerm };
    }
    // What lies below the log's base is committed, and so the leader's too.
    const { baseIndex } = this.#log;
    const fresh = entries.findIndex(({ index, term }) => index > baseIndex && !this.#log.matches(index, term));
    if (fresh >= 0) {
      assert(entries[fresh]!.index > commit, "what is committed is never overwritten");
      this.#log.append(fresh === 0 ? entries : entries.slice(fresh));
    }
    this.#verified = Math.max(this.#verified, prevIndex + entries.length);
    // New entries are acknowledged when they are durable; a new round or a heartbeat is answered at once.
    const answerNow = fresh < 0 || round > this.#ackRound;
    this.#ackRound = Math.max(this.#ackRound, round);
    return answerNow;
  }

  /** A snapshot of the leader's has taken the place of the log up to `index`. */
  restored(index: Index): void {
    this.#verified = Math.max(this.#verified, index);
  }

  /** Whether more is durable than the leader has been told. */
  get acknowledgementDue(): boolean {
    return Math.min(this.#verified, this.#log.durableIndex) > this.#ackedMatch;
  }

  /** The log equals the leader's, durably, up to the reply's match index. */
  acknowledge(): AppendReply {
    this.#ackedMatch = Math.min(this.#verified, this.#log.durableIndex);
    return emptyReply(this.#term, this.#ackRound, true, this.#ackedMatch);
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
