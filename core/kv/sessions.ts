/**
 * Client sessions (Raft thesis, 6.3): a write that comes again under the same (session, sequence) is answered with its
 * first result and not run again. Part of the replicated state: everything here follows from the log alone, expiry by
 * cluster time and by number included, and a snapshot carries it.
 */
import { assert } from "../assert.ts";
import { type LimitsOf, type SessionLimitName, usualLimits } from "../limits.ts";
import type { Index, Micros } from "../units.ts";

/** What one write of a session was answered with, kept to answer it again. */
export type SessionResult = {
  readonly sequence: number;
  /** CRC of the command: the same key with another body is refused. */
  readonly digest: number;
  readonly revision: Index;
  readonly existed: boolean;
  readonly matched: boolean;
};

/** A client's memory in the state machine. It is replaced as a whole, never changed. */
export type Session = {
  /** Index of the entry that opened it. */
  readonly id: Index;
  readonly lastIndex: Index;
  readonly lastMicros: Micros;
  /** In order of their sequence, at most `resultsMax`. */
  readonly results: readonly SessionResult[];
};

/** Bounds of what sessions hold. They decide what is applied, so every member must have the same. */
export type SessionLimits = LimitsOf<SessionLimitName>;
/** The limits of a node that serves. The simulator draws smaller ones, so that they are reached. */
export const sessionLimits: SessionLimits = usualLimits("sessionsMax", "resultsMax", "idleMicrosMax");

/** What is known of (session, sequence) before its command is run. */
export type Standing =
  | { readonly kind: "fresh" }
  | { readonly kind: "done"; readonly result: SessionResult }
  /** The session is not live: never opened, expired, or pushed out by newer ones. */
  | { readonly kind: "session-gone" }
  /** Older than the results that are kept. */
  | { readonly kind: "sequence-too-old" }
  | { readonly kind: "other-command" };

/** The live sessions of one state, as of its applied entry. */
export class Sessions {
  /** By id; in order of the last use, so that the first is the one to go. */
  readonly #live = new Map<Index, Session>();
  readonly #limits: SessionLimits;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#live.size;
  }

  /** In order of their last use. */
  all(): readonly Session[] {
    return [...this.#live.values()];
  }

  /** Puts back what a snapshot or a store holds, in order of the last use. */
  restore(session: Session): void {
    this.#live.set(session.id, session);
  }

  /** Opens session `index`, and forgets those that are idle too long or too many. Returns the sessions that changed; null: gone. */
  open(index: Index, now: Micros): Map<Index, Session | null> {
    const changed = new Map<Index, Session | null>();
    for (const session of this.#live.values()) {
      const isIdle = session.lastMicros + this.#limits.idleMicrosMax < now;
      if (!isIdle && this.#live.size < this.#limits.sessionsMax) break;
      this.#live.delete(session.id);
      changed.set(session.id, null);
    }
    const opened = { id: index, lastIndex: index, lastMicros: now, results: [] };
    this.#live.set(index, opened);
    assert(this.#live.size <= this.#limits.sessionsMax, "no more sessions are live than may be");
    return changed.set(index, opened);
  }

  standing(id: Index, sequence: number, digest: number, now: Micros): Standing {
    const session = this.#live.get(id);
    if (session === undefined || session.lastMicros + this.#limits.idleMicrosMax < now) return { kind: "session-gone" };
    const result = session.results.find((one) => one.sequence === sequence);
    if (result !== undefined) return result.digest === digest ? { kind: "done", result } : { kind: "other-command" };
    const { results } = session;
    const isBeforeKept = results.length >= this.#limits.resultsMax && sequence < results[0]!.sequence;
    return { kind: isBeforeKept ? "sequence-too-old" : "fresh" };
  }

  /** Keeps the result of a fresh command. The session is live. */
  record(id: Index, index: Index, now: Micros, result: SessionResult): Session {
    const before = this.#live.get(id);
    assert(before !== undefined, "a result is kept for a session that is live");
    const kept = [...before.results, result]
      .toSorted((a, b) => a.sequence - b.sequence)
      .slice(-this.#limits.resultsMax);
    const session = { id, lastIndex: index, lastMicros: now, results: kept };
    this.#live.delete(id);
    this.#live.set(id, session);
    return session;
  }
}
