/** Everything that a run's trace says, kept as it was, with the messages by number: what a report is made from. */
import type { Envelope } from "../../core/protocol/message.ts";
import type { Micros } from "../../core/units.ts";
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

/** Keeps one run whole, in memory: only for a report or a comparison. */
export class Recorder {
  readonly lines: Line[] = [];
  readonly #numbers = new WeakMap<Envelope, number>();
  #last = 0;

  line(time: Micros, kind: TraceKind, node: number, a: number, b: number, c: number): void {
    this.lines.push({ time, kind, node, a, b, c, message: 0 });
  }

  /** The last line says that `envelope` was sent or received. */
  of(envelope: Envelope): void {
    let number = this.#numbers.get(envelope);
    if (number === undefined) this.#numbers.set(envelope, (number = ++this.#last));
    this.lines.at(-1)!.message = number;
  }

  /** `copy` is the same message, through the codec. */
  same(envelope: Envelope, copy: Envelope): void {
    const number = this.#numbers.get(envelope);
    if (number !== undefined) this.#numbers.set(copy, number);
  }
}
