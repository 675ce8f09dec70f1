/**
 * The log in memory, and what of it is durable.
 *
 * Invariants: entries are contiguous from `baseIndex + 1`; terms never fall; durable <= last; what is at or below
 * `durableIndex` has been covered by a completed sync and not been rewritten since.
 */
import { assert } from "../assert.ts";
import type { Index, Term } from "../units.ts";
import type { Entry } from "./messages.ts";

type PendingWrite = { readonly seq: number; lastIndex: Index };

export class RaftLog {
  /** (index, term) of the entry before the first one held: (0, 0), or a snapshot's. */
  readonly baseIndex: Index;
  readonly baseTerm: Term;
  #entries: Entry[];
  #durableIndex: Index;
  /** Where the entries begin that no `Persist` has taken yet. */
  #unstableFrom: Index;
  /** Writes handed out and not completed. A truncation lowers their marks: a late completion must not vouch for new entries. */
  readonly #pending: PendingWrite[] = [];

  constructor(baseIndex: Index, baseTerm: Term, durableEntries: readonly Entry[]) {
    this.baseIndex = baseIndex;
    this.baseTerm = baseTerm;
    this.#entries = [...durableEntries];
    this.#durableIndex = this.lastIndex;
    this.#unstableFrom = this.lastIndex + 1;
  }

  get lastIndex(): Index {
    return this.baseIndex + this.#entries.length;
  }

  get lastTerm(): Term {
    return this.termAt(this.lastIndex);
  }

  get durableIndex(): Index {
    return this.#durableIndex;
  }

  /** The term of the entry at `index`; the base's at the base. `index` lies within [base, last]. */
  termAt(index: Index): Term {
    if (index === this.baseIndex) return this.baseTerm;
    return this.entryAt(index).term;
  }

  entryAt(index: Index): Entry {
    const entry = this.#entries[index - this.baseIndex - 1];
    assert(entry !== undefined, "the index is in the log");
    return entry;
  }

  /** Whether this log holds an entry with that index and term. */
  matches(index: Index, term: Term): boolean {
    if (index < this.baseIndex || index > this.lastIndex) return false;
    return this.termAt(index) === term;
  }

  /** Entries from `from` on, at most `countMax` and `bytesMax` (but always one, if there is one). */
  slice(from: Index, countMax: number, bytesMax: number): Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= this.lastIndex && entries.length < countMax; index++) {
      const entry = this.entryAt(index);
      bytes += entry.bytes.length;
      if (entries.length > 0 && bytes > bytesMax) break;
      entries.push(entry);
    }
    return entries;
  }

  /** Appends behind the last entry, or cuts the log before `entries[0]` and appends there. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index <= this.lastIndex) this.#truncate(entry.index);
      assert(entry.index === this.lastIndex + 1, "entries are appended in order");
      assert(entry.term >= this.lastTerm, "terms never fall along the log");
      this.#entries.push(entry);
    }
  }

  #truncate(from: Index): void {
    this.#entries.length = from - this.baseIndex - 1;
    this.#durableIndex = Math.min(this.#durableIndex, from - 1);
    this.#unstableFrom = Math.min(this.#unstableFrom, from);
    for (const write of this.#pending) write.lastIndex = Math.min(write.lastIndex, from - 1);
  }

  /** The entries that no write has taken yet; from now on they belong to write `seq`. */
  takeUnstable(seq: number): readonly Entry[] {
    const entries = this.#entries.slice(this.#unstableFrom - this.baseIndex - 1);
    this.#unstableFrom = this.lastIndex + 1;
    this.#pending.push({ seq, lastIndex: this.lastIndex });
    return entries;
  }

  get hasUnstable(): boolean {
    return this.#unstableFrom <= this.lastIndex;
  }

  /** Every write up to `seq` is durable. */
  persisted(seq: number): void {
    while (this.#pending[0] !== undefined && this.#pending[0].seq <= seq) {
      const write = this.#pending.shift()!;
      assert(write.lastIndex <= this.lastIndex, "what was written is in the log");
      this.#durableIndex = Math.max(this.#durableIndex, write.lastIndex);
    }
  }

  /**
   * The last index <= `index` whose term is <= `term`: where a log with (index, term) as its last word could still
   * agree with this one. Lets a leader skip a whole term a round trip (Raft paper, end of 5.3).
   */
  lastPossibleMatch(index: Index, term: Term): Index {
    let at = Math.min(index, this.lastIndex);
    while (at > this.baseIndex && this.termAt(at) > term) at -= 1;
    return at;
  }
}
