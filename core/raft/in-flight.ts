/** What was sent to a peer and is not acknowledged: by entries, bytes and messages, so that a slow peer is not flooded. */
import { assert } from "../assert.ts";
import type { Entry } from "../protocol/entry.ts";
import type { Index } from "../units.ts";

/** Bounds of what one peer has not acknowledged. The first that is reached stops the stream. */
export type InFlightLimits = {
  readonly entriesInFlightMax: number;
  /** Of whole entries; the append that crosses it is still sent, so that no entry is too large to go. */
  readonly bytesInFlightMax: number;
  /** Appends that carry entries. */
  readonly messagesInFlightMax: number;
};

type Sent = { readonly lastIndex: Index; readonly entries: number; readonly bytes: number };

/** Appends in the order of their indices. A cleared one forgets: what was lost on its way comes back by probing. */
export class InFlight {
  readonly #sent: Sent[] = [];
  #entries = 0;
  #bytes = 0;

  isFull({ entriesInFlightMax, bytesInFlightMax, messagesInFlightMax }: InFlightLimits): boolean {
    return (
      this.#entries >= entriesInFlightMax || this.#bytes >= bytesInFlightMax || this.#sent.length >= messagesInFlightMax
    );
  }

  /** `entries` are not empty and follow those sent before. */
  send(entries: readonly Entry[]): void {
    const lastIndex = entries.at(-1)!.index;
    assert(lastIndex > (this.#sent.at(-1)?.lastIndex ?? 0), "appends go out in order");
    let bytes = 0;
    for (const entry of entries) bytes += entry.bytes.length;
    this.#sent.push({ lastIndex, entries: entries.length, bytes });
    this.#entries += entries.length;
    this.#bytes += bytes;
  }

  /** The peer holds everything up to `match`: an append that reaches beyond it still counts whole. */
  acknowledge(match: Index): void {
    let count = 0;
    for (const { lastIndex, entries, bytes } of this.#sent) {
      if (lastIndex > match) break;
      this.#entries -= entries;
      this.#bytes -= bytes;
      count += 1;
    }
    if (count > 0) this.#sent.splice(0, count);
    assert(this.#entries >= 0, "no more entries are acknowledged than were sent");
    assert(this.#bytes >= 0, "no more bytes are acknowledged than were sent");
  }

  clear(): void {
    assert((this.#sent.length === 0) === (this.#entries === 0), "every append in flight carries entries");
    this.#sent.length = 0;
    this.#entries = 0;
    this.#bytes = 0;
  }
}
