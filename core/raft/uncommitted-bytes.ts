/** How much of a leader's log is not committed, or not durable on its own disk: however far others lag, it must not take more for ever. */
import { assert } from "../assert.ts";
import type { Index } from "../units.ts";
import type { RaftLog } from "./log.ts";
import type { Entry, Proposal } from "../protocol/entry.ts";

/** The backlog of one leadership, in bytes of whole entries. */
export class UncommittedBytes {
  readonly #log: RaftLog;
  readonly #bytesMax: number;
  /** Of the entries after `#settled`: up to there they are committed, and durable here. */
  #bytes = 0;
  #settled: Index;

  /** `commit` is the commit index now. */
  constructor(log: RaftLog, commit: Index, bytesMax: number) {
    this.#log = log;
    this.#bytesMax = bytesMax;
    this.#settled = Math.min(commit, log.durableIndex);
    for (let index = this.#settled + 1; index <= log.lastIndex; index++) this.#bytes += log.entryAt(index).bytes.length;
  }

  /** Whether `proposals` would leave too much. Without a backlog they are always taken. */
  isFull(proposals: readonly Proposal[]): boolean {
    let bytes = 0;
    for (const proposal of proposals) bytes += proposal.payload.length;
    return this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax;
  }

  /** `entries` are at the end of the log now. */
  add(entries: readonly Entry[]): void {
    const end = entries.at(-1)?.index ?? this.#log.lastIndex;
    assert(end === this.#log.lastIndex, "what is added is the end of the log");
    for (const entry of entries) this.#bytes += entry.bytes.length;
  }

  /** The commit index is `commit`, or what is durable here has grown. */
  settle(commit: Index): void {
    const through = Math.min(commit, this.#log.durableIndex);
    for (; this.#settled < through; this.#settled++) this.#bytes -= this.#log.entryAt(this.#settled + 1).bytes.length;
    assert(this.#bytes >= 0, "no more bytes are settled than were added");
    assert(
      this.#settled < this.#log.lastIndex || this.#bytes === 0,
      "a log that is settled to its end holds nothing back",
    );
  }
}
