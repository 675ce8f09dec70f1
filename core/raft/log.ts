/**
 * The log in memory, what of it is durable, and which configuration it says is in force.
 *
 * Invariants: entries are contiguous from `baseIndex + 1`; terms never fall; durable <= last; what is at or below
 * `durableIndex` has been covered by a completed sync and not been rewritten since.
 */
import { assert } from "../assert.ts";
import { BadBytes } from "../bytes.ts";
import type { Index, Micros, Term } from "../units.ts";
import { decodeConfiguration } from "../protocol/configuration-codec.ts";
import { entryPayload } from "../protocol/entry-codec.ts";
import { type LogEnd, type Entry, entryKinds, type LogPosition } from "../protocol/entry.ts";
import type { CompactionPoint, ConfigurationAt } from "../protocol/configuration.ts";
import { Configurations } from "./configurations.ts";
import { type StepProblem, stepProblem } from "./membership.ts";

/** What others than Raft see of its log: the log itself, read and never written. It goes on changing as Raft does. */
export interface LogView {
  readonly configurations: ConfigurationsView;
  /** The place before the first entry held, and the configuration in force there. */
  readonly base: CompactionPoint;
  readonly baseIndex: Index;
  readonly lastIndex: Index;
  readonly lastTerm: Term;
  /** Up to here a completed sync covers the log. */
  readonly durableIndex: Index;
  /** `index` lies within [base, last]. */
  termAt(index: Index): Term;
  /** `index` lies within (base, last]. */
  entryAt(index: Index): Entry;
}

/** The configurations of a log, read and never written. */
export interface ConfigurationsView {
  /** The newest in the log, committed or not. */
  readonly latest: ConfigurationAt;
  /** The one in force once the log is known up to `index`, which is not below the log's base. */
  at(index: Index): ConfigurationAt;
}

type PendingWrite = { readonly seq: number; lastIndex: Index };

/** One node's log. Only ServerState, the roles and the outbox write it; others get a LogView. */
export class RaftLog implements LogView {
  readonly configurations: Configurations;
  /** The position before the first entry held: (0, 0), or that of an entry that a durable state covers. */
  #base: LogPosition;
  #entries: Entry[];
  #durableIndex: Index;
  /** Where the entries begin that no `Persist` has taken yet. */
  #unstableFrom: Index;
  /** Writes handed out and not completed. A truncation lowers their ends: a late completion must not count new entries as durable. */
  readonly #pending: PendingWrite[] = [];

  /** Throws BadBytes where a configuration entry cannot be read, or may not follow the one before it. */
  constructor({ place, configuration }: CompactionPoint, durableEntries: readonly Entry[]) {
    this.#base = place;
    this.#entries = [...durableEntries];
    this.configurations = new Configurations(configuration);
    for (const entry of durableEntries) {
      const problem = this.#noteConfiguration(entry);
      if (problem !== null)
        throw new BadBytes(`entry ${entry.index} holds a configuration that may not follow: ${problem}`);
    }
    this.#durableIndex = this.lastIndex;
    this.#unstableFrom = this.lastIndex + 1;
  }

  get base(): CompactionPoint {
    return { place: this.#base, configuration: this.configurations.at(this.baseIndex) };
  }

  get baseIndex(): Index {
    return this.#base.index;
  }

  get baseTerm(): Term {
    return this.#base.term;
  }

  /** Cluster time at the base. */
  get baseMicros(): Micros {
    return this.#base.clusterMicros;
  }

  get lastIndex(): Index {
    return this.baseIndex + this.#entries.length;
  }

  get lastTerm(): Term {
    return this.termAt(this.lastIndex);
  }

  /** Where it ends, as election messages say it. */
  get end(): LogEnd {
    return { lastIndex: this.lastIndex, lastTerm: this.lastTerm };
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
      // A leader that sends another one is wrong in itself, and nothing can be built on what it says.
      const illegal = this.#noteConfiguration(entry);
      assert(illegal === null, "who votes changes through a joint configuration only");
      this.#entries.push(entry);
    }
  }

  /** Takes note of a configuration; or says why it may not follow the one before. */
  #noteConfiguration(entry: Entry): StepProblem | null {
    if (entry.kind !== entryKinds.configuration) return null;
    assert(entry.index > this.baseIndex, "the log's entries lie behind its base");
    const next = decodeConfiguration(entryPayload(entry));
    const problem = stepProblem(this.configurations.latest.configuration, next);
    if (problem === null) this.configurations.append(entry.index, next);
    return problem;
  }

  /** Forgets the entries up to `index`, which a durable snapshot covers. */
  compact(index: Index): void {
    assert(index <= this.#durableIndex, "only what is durable is compacted");
    if (index <= this.baseIndex) return;
    const { term, clusterMicros } = this.entryAt(index);
    const base = { index, term, clusterMicros };
    const { lastIndex } = this;
    this.#entries = this.#entries.slice(index - this.baseIndex);
    this.#base = base;
    this.configurations.compact(index);
    assert(this.lastIndex === lastIndex, "compaction moves only where the log begins");
  }

  /**
   * A durable snapshot at `base` takes the place of everything up to it. What follows stays if the log holds that very
   * entry (5.4.1 makes it the leader's too), else it goes.
   */
  restore({ place: base, configuration }: CompactionPoint): boolean {
    assert(base.index > this.baseIndex, "a snapshot leads forward");
    assert(configuration.configuration.voters.length > 0, "a configuration has voters");
    if (this.matches(base.index, base.term)) {
      this.#durableIndex = Math.max(this.#durableIndex, base.index);
      this.#unstableFrom = Math.max(this.#unstableFrom, base.index + 1);
      this.compact(base.index);
      return true;
    }
    this.#base = base;
    this.#entries = [];
    this.#durableIndex = base.index;
    this.#unstableFrom = base.index + 1;
    for (const write of this.#pending) write.lastIndex = 0;
    this.configurations.reset(configuration);
    return false;
  }

  #truncate(from: Index): void {
    assert(from > this.baseIndex, "what a durable snapshot covers is never truncated");
    this.#entries.length = from - this.baseIndex - 1;
    this.#durableIndex = Math.min(this.#durableIndex, from - 1);
    this.#unstableFrom = Math.min(this.#unstableFrom, from);
    for (const write of this.#pending) write.lastIndex = Math.min(write.lastIndex, from - 1);
    this.configurations.truncate(from);
  }

  /** The entries that no write has taken yet; from now on they belong to write `seq`. */
  takeUnstable(seq: number): readonly Entry[] {
    assert(seq > (this.#pending.at(-1)?.seq ?? 0), "writes are numbered in the order in which they are given");
    assert(this.#durableIndex < this.#unstableFrom, "nothing is durable that no write has taken");
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
