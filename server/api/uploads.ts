/**
 * A common bound on the bytes of request bodies that are held in memory. A body is let in before any of it is read. Where
 * others wait for room, those that come too slowly are given up, the slowest first.
 */
import type { ServerResponse } from "node:http";
import { type BudgetOptions, ByteBudget } from "./byte-budget.ts";

/** Bounds in bytes, milliseconds, and bytes a second. */
export type UploadOptions = BudgetOptions & {
  /** How long a body that was let in may send nothing. */
  readonly stallMs: number;
  /** While others wait for room, a body that has taken so long comes at least so fast, reckoned from its beginning. */
  readonly paceMs: number;
  readonly bytesPerSecondMin: number;
};

/** A body that is on its way. */
export type Upload = {
  /** Room that it holds. */
  readonly bytes: number;
  readonly beganAtMs: number;
  /** What has come of it. */
  receivedBytes: number;
  readonly giveUp: () => void;
};

/** By then the bodies that were given up are answered: no others are given up for the same bytes before. */
const giveUpEveryMs = 1_000;

/** One for each process. */
export class Uploads extends ByteBudget {
  readonly options: UploadOptions;
  readonly #begun = new Set<Upload>();
  readonly #held = new Map<ServerResponse, () => void>();
  #gaveUpAtMs = -Infinity;

  constructor(options: UploadOptions) {
    super(options);
    this.options = options;
  }

  /** A body that holds `bytes` of room begins to come. Who reads it counts what it has received, and calls `ended`. */
  began(bytes: number, giveUp: () => void): Upload {
    const upload = { bytes, beganAtMs: performance.now(), receivedBytes: 0, giveUp };
    this.#begun.add(upload);
    return upload;
  }

  /** All of it has come, or nothing more will. A second call does nothing. */
  ended(upload: Upload): void {
    this.#begun.delete(upload);
  }

  protected override held(outgoing: ServerResponse, release: () => void): void {
    this.#held.set(outgoing, release);
    outgoing.once("close", () => {
      this.#held.delete(outgoing);
      release();
    });
  }

  protected override makeRoom(): void {
    // What is answered is done with, also where the client does not take the answer.
    for (const [outgoing, release] of this.#held) if (outgoing.headersSent) release();
    const { paceMs, bytesPerSecondMin } = this.options;
    const nowMs = performance.now();
    if (nowMs - this.#gaveUpAtMs < giveUpEveryMs) return;
    const paces = [...this.#begun].flatMap((upload) => {
      const tookMs = nowMs - upload.beganAtMs;
      return tookMs < paceMs ? [] : [{ upload, bytesPerSecond: (upload.receivedBytes * 1_000) / tookMs }];
    });
    let lacking = this.lackingBytes;
    for (const { upload, bytesPerSecond } of paces.toSorted((a, b) => a.bytesPerSecond - b.bytesPerSecond)) {
      if (lacking <= 0 || bytesPerSecond >= bytesPerSecondMin) return;
      lacking -= upload.bytes;
      this.#gaveUpAtMs = nowMs;
      upload.giveUp();
    }
  }
}
