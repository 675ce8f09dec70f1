/**
 * A common bound on the bytes of values that are on their way to clients: begun, and not taken by them yet. A value is
 * handed to its connection piece by piece, each when the one before is taken. Where others wait for room, those that
 * have taken nothing for a while are disconnected, the longest silent first.
 */
import type { ServerResponse } from "node:http";
import { type BudgetOptions, ByteBudget } from "./byte-budget.ts";

/** Bounds in bytes and milliseconds. */
export type DownloadOptions = BudgetOptions & {
  /** How long a client may take nothing while others wait for room. */
  readonly stallMs: number;
};

type Download = {
  readonly bytes: number;
  readonly outgoing: ServerResponse;
  /** When the client took a piece last, by performance.now(). */
  takenAtMs: number;
};

const pieceBytes = 64 * 1024;

/** One for each process. */
export class Downloads extends ByteBudget {
  readonly options: DownloadOptions;
  readonly #begun = new Set<Download>();

  constructor(options: DownloadOptions) {
    super(options);
    this.options = options;
  }

  /** `value`, of one-byte characters, as a body of `outgoing`, which holds room for it. */
  bodyOf(value: string, outgoing: ServerResponse): ReadableStream<Uint8Array> {
    const download: Download = { bytes: value.length, outgoing, takenAtMs: performance.now() };
    if (!outgoing.destroyed) this.#begun.add(download);
    outgoing.once("close", () => this.#begun.delete(download));
    let at = 0;
    return new ReadableStream(
      {
        pull: (controller) => {
          download.takenAtMs = performance.now();
          controller.enqueue(Buffer.from(value.slice(at, at + pieceBytes), "latin1"));
          at += pieceBytes;
          if (at >= value.length) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** Disconnects those that have taken nothing for a while, the longest silent first. */
  protected override makeRoom(): void {
    let lacking = this.lackingBytes;
    const before = performance.now() - this.options.stallMs;
    for (const { bytes, outgoing, takenAtMs } of [...this.#begun].toSorted((a, b) => a.takenAtMs - b.takenAtMs)) {
      if (lacking <= 0 || takenAtMs > before) return;
      lacking -= bytes;
      outgoing.destroy();
    }
  }
}
