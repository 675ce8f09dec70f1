import { assert } from "../../core/assert.ts";
import { type Entry, entryKinds, type LogPosition } from "../../core/protocol/entry.ts";
import { mix } from "../draws.ts";
import { entryMustFollow, entryTermMustNotFall } from "../laws/replication.ts";

/** What a log holds before its first entry: (0, 0), or a snapshot's place; `chain` stands for everything up to it. */
export type GhostBase = { readonly index: number; readonly term: number; readonly chain: number };
const origin: GhostBase = { index: 0, term: 0, chain: 0x5eed };

/** A log as the ghost keeps it: (term, crc) by index, and a running hash, so that two prefixes compare in O(1). */
export class GhostLog {
  #base = origin;
  /** From the base on, which stands at 0. */
  #terms: number[] = [0];
  #crcs: number[] = [0];
  #chains: number[] = [origin.chain];
  /** Indexes of the configuration entries in it, rising. */
  #configurations: number[] = [];

  get base(): number {
    return this.#base.index;
  }

  get last(): number {
    return this.#base.index + this.#terms.length - 1;
  }

  get lastTerm(): number {
    return this.#terms.at(-1)!;
  }

  termAt(index: number): number {
    return this.#terms[index - this.#base.index] ?? -1;
  }

  crcAt(index: number): number {
    return this.#crcs[index - this.#base.index] ?? -1;
  }

  /** Equal where the logs are equal up to `index`; -1 below the base and beyond the end. */
  chainAt(index: number): number {
    return this.#chains[index - this.#base.index] ?? -1;
  }

  /** The newest configuration entry, or the base where there is none after it. */
  get configurationIndex(): number {
    return this.#configurations.at(-1) ?? 0;
  }

  /** Call it while it is empty: the entries of the run follow `place`, the last one before it; index 0: there is none. */
  beginAt({ index, term }: LogPosition): void {
    if (index > 0) this.rebase({ index, term, chain: origin.chain }, true);
  }

  /** Sets the entry at `index`, which cuts off what follows. Call it where there is no gap before `index`. */
  put(index: number, term: number, crc: number, isConfiguration: boolean): void {
    assert(index > this.base && index <= this.last + 1, "an entry is put into a log or behind its end");
    this.cutFrom(index);
    this.#chains.push(mix(mix(this.#chains.at(-1)!, term), crc) >>> 0);
    this.#terms.push(term);
    this.#crcs.push(crc);
    if (isConfiguration) this.#configurations.push(index);
  }

  /** The log begins again after `base`: what follows that very entry stays, else (and where it `replaces`) everything goes. */
  rebase(base: GhostBase, replaces: boolean): void {
    if (!replaces && this.chainAt(base.index) === base.chain) {
      const from = base.index - this.base;
      this.#terms = this.#terms.slice(from);
      this.#crcs = this.#crcs.slice(from);
      this.#chains = this.#chains.slice(from);
    } else {
      this.#terms = [base.term];
      this.#crcs = [0];
      this.#chains = [base.chain];
      this.#configurations = [];
    }
    this.#base = base;
    this.#configurations = this.#configurations.filter((index) => index > base.index);
  }

  clone(): GhostLog {
    const copy = new GhostLog();
    copy.#base = this.#base;
    copy.#terms = [...this.#terms];
    copy.#crcs = [...this.#crcs];
    copy.#chains = [...this.#chains];
    copy.#configurations = [...this.#configurations];
    return copy;
  }

  /** Drops the entries from `index` on, which lies behind the base. */
  cutFrom(index: number): void {
    const length = index - this.base;
    this.#terms.length = length;
    this.#crcs.length = length;
    this.#chains.length = length;
    while (this.configurationIndex >= this.base + length && this.#configurations.length > 0) this.#configurations.pop();
  }
}

/** Sets `entry` in `log`, which cuts off what follows. */
export function putInto(log: GhostLog, { index, term, crc, kind }: Entry, whose: string): void {
  entryMustFollow(whose, index, log.base, log.last);
  log.cutFrom(index);
  entryTermMustNotFall(whose, index, log.lastTerm, term);
  log.put(index, term, crc, kind === entryKinds.configuration);
}
