/**
 * What leaves Raft: writes and messages. Messages that depend on a term or a vote are held until the write that carries
 * it is durable.
 */
import { assert } from "../assert.ts";
import type { CompactionPoint } from "../protocol/configuration.ts";
import type { HardState } from "../protocol/entry.ts";
import type { Message, Outgoing } from "../protocol/message.ts";
import type { NodeId } from "../units.ts";
import type { RaftLog } from "./log.ts";
import type { Persist } from "./ready.ts";

/** The only way out of one node's Raft: nothing is written and nothing is sent past it. */
export class Outbox {
  /** Writes handed out so far. */
  #persistSeq = 0;
  #durableSeq = 0;
  /** Messages wait for this write; it may not have been handed out yet. */
  #holdSeq = 0;
  /** What the next write carries beside entries. */
  #hardState: HardState | null = null;
  #base: CompactionPoint | null = null;
  #replaces = false;
  #held: { readonly seq: number; readonly outgoing: Outgoing }[] = [];
  #messages: Outgoing[] = [];

  /**
   * From now on messages leave only when `hardState` is durable. What it would still have acknowledged to the leader of an
   * earlier term it keeps to itself: the write that this waits for may replace those very entries.
   */
  write(hardState: HardState): void {
    assert(hardState.term >= (this.#hardState?.term ?? 0), "terms rise from write to write");
    this.#held = this.#held.filter(({ outgoing: { message } }) => {
      return message.kind !== "append-reply" || message.term === hardState.term;
    });
    this.#hardState = hardState;
    this.#holdSeq = this.#persistSeq + 1;
  }

  /** The next write tells that the log begins after `base`; with `replaces`, that it held another entry there. */
  writeBase(base: CompactionPoint, replaces: boolean): void {
    assert(base.place.index >= (this.#base?.place.index ?? 0), "the log's base never falls");
    this.#base = base;
    this.#replaces ||= replaces;
  }

  get holding(): boolean {
    return this.#holdSeq > this.#durableSeq;
  }

  send(to: NodeId, message: Message): void {
    assert(this.holding || this.#held.length === 0, "no message overtakes one that is held");
    const outgoing = { to, message };
    if (this.holding) this.#held.push({ seq: this.#holdSeq, outgoing });
    else this.#messages.push(outgoing);
  }

  /** Every write up to `seq` is durable. */
  persisted(seq: number): void {
    assert(seq > this.#durableSeq && seq <= this.#persistSeq, "writes complete once, in order, after they were given");
    this.#durableSeq = seq;
    while (this.#held[0] !== undefined && this.#held[0].seq <= seq) this.#messages.push(this.#held.shift()!.outgoing);
  }

  /** What is to be written now, or null. */
  takeWrite(log: RaftLog): Persist | null {
    if (this.#hardState === null && this.#base === null && !log.hasUnstable) return null;
    const seq = ++this.#persistSeq;
    const [hardState, base, replaces] = [this.#hardState, this.#base, this.#replaces];
    const persist = { seq, hardState, base, replaces, entries: log.takeUnstable(seq) };
    this.#hardState = null;
    this.#base = null;
    this.#replaces = false;
    assert(this.#durableSeq < seq, "no write is durable before it is given");
    return persist;
  }

  /** What may leave now. */
  takeMessages(): readonly Outgoing[] {
    assert(this.#holdSeq <= this.#persistSeq, "what a message waits for was given to be written");
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }
}
