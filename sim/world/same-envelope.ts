/** Whether two messages are one, by their bytes. */
import { Writer } from "../../core/bytes.ts";
import { encodeEnvelope } from "../../core/protocol/message-codec.ts";
import type { Envelope } from "../../core/protocol/message.ts";

/** Keeps its two buffers from one comparison to the next. */
export class EnvelopeComparison {
  readonly #sent = new Writer();
  readonly #read = new Writer();

  isSame(sent: Envelope, read: Envelope): boolean {
    this.#sent.reset();
    this.#read.reset();
    encodeEnvelope(this.#sent, sent);
    encodeEnvelope(this.#read, read);
    const [a, b] = [this.#sent.bytes(), this.#read.bytes()];
    return a.length === b.length && a.every((byte, k) => byte === b[k]);
  }
}
