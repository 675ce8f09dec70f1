/**
 * Everything that a run's trace says, kept as it was, and what a page about it needs besides: the messages by number and their
 * fate, and what each node's log and hard state were at each line.
 */
import type { Operation } from "../../checker/index.ts";
import type { Entry } from "../../core/protocol/entry.ts";
import type { Envelope, Message } from "../../core/protocol/message.ts";
import type { Index, Micros, NodeId, Term } from "../../core/units.ts";
import type { TraceKind } from "./vocabulary.ts";

/** One line, as the trace hashed it; what `a`, `b` and `c` mean is in the words of its kind. */
export type Line = {
  readonly time: Micros;
  readonly kind: TraceKind;
  /** A node, or a client. */
  readonly node: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** Of a message that is sent or received; 0: the line is of none. */
  message: number;
};

/** Why a message did not arrive: lost by chance, on a link that was cut, or with a byte on the way that was another one. */
export type Fate = "lost" | "cut" | "corrupted";

/**
 * What a node held from line `at` on; each field is null where it is as it was. `entries` follow index `keep`, up to which
 * the log stays as it was.
 */
export type Note = {
  readonly at: number;
  readonly node: NodeId;
  readonly log: {
    readonly base: Index;
    readonly baseTerm: Term;
    readonly keep: Index;
    readonly entries: readonly Entry[];
  } | null;
  /** Up to here the disk holds the very entries of the log, by completed syncs. */
  readonly durable: Index | null;
  readonly hard: {
    readonly term: Term;
    readonly vote: NodeId;
    readonly durableTerm: Term;
    readonly durableVote: NodeId;
  } | null;
};

/** An operation of a client that no history has. `node`: whom the client asked last. */
export type OpenOperation = { readonly operation: Operation; readonly node: NodeId };

/** Keeps one run whole, in memory: only for a report or a comparison. */
export class Recorder {
  readonly lines: Line[] = [];
  readonly notes: Note[] = [];
  /** At their number; no message has number 0. */
  readonly messages: (Message | null)[] = [null];
  /** By number, of those that certainly did not arrive. One of which a copy arrived is none of them. */
  readonly fates = new Map<number, Fate>();
  /** What clients had called when the run ended, and the history does not have. */
  open: readonly OpenOperation[] = [];
  readonly #numbers = new WeakMap<Envelope, number>();

  line(time: Micros, kind: TraceKind, node: number, a: number, b: number, c: number): void {
    this.lines.push({ time, kind, node, a, b, c, message: 0 });
  }

  /** The last line says that `envelope` was sent or received. */
  of(envelope: Envelope): void {
    let number = this.#numbers.get(envelope);
    if (number === undefined) {
      number = this.messages.push(envelope.message) - 1;
      this.#numbers.set(envelope, number);
    }
    this.lines.at(-1)!.message = number;
  }

  /** The number of a message that was sent or received; 0: of none of those. */
  numberOf(envelope: Envelope): number {
    return this.#numbers.get(envelope) ?? 0;
  }

  /** `copy` is the same message, through the codec. */
  same(envelope: Envelope, copy: Envelope): void {
    const number = this.#numbers.get(envelope);
    if (number !== undefined) this.#numbers.set(copy, number);
  }

  /** `envelope` does not arrive. */
  lost(envelope: Envelope, fate: Fate): void {
    const number = this.#numbers.get(envelope);
    if (number !== undefined) this.fates.set(number, fate);
  }
}
