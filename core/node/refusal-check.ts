/**
 * Whether a joining node may be refused for good. What a member knows of an id may be over: a follower's configuration lags,
 * and so does that of a leader that was replaced and has not heard of it. So it first reads linearizably, and refuses only
 * where it still finds the id taken: by the leader itself, whom nobody can ask under its own id; or by another directory.
 */
import type { Micros, NodeId, StoreId } from "../units.ts";
import type { ReadBarrier } from "./pending-reads.ts";

/** One boot of a directory: what was found out for it says nothing to a later one. */
export type Joiner = { readonly id: NodeId; readonly storeId: StoreId; readonly boot: number };

/** One joiner at a time is looked at; another one waits for its next request. */
export class RefusalCheck {
  readonly #read: ReadBarrier;
  readonly #readMicrosMin: Micros;
  #joiner: Joiner | null = null;
  #isReading = false;
  #isConfirmed = false;
  #readAt: Micros = -Infinity;

  /** `read`: a read barrier, core/node/pending-reads.ts. There is at most one in `readMicrosMin`, however many ask. */
  constructor(read: ReadBarrier, readMicrosMin: Micros) {
    this.#read = read;
    this.#readMicrosMin = readMicrosMin;
  }

  /**
   * Whether `isTaken` held after a linearizable read that began once `joiner` had asked. False at first: the joiner asks
   * again, and by then the read may have ended.
   */
  isConfirmed(now: Micros, joiner: Joiner, isTaken: () => boolean): boolean {
    if (this.#isConfirmed && this.#isFor(joiner)) return isTaken();
    if (this.#isReading || now < this.#readAt + this.#readMicrosMin || !isTaken()) return false;
    this.#joiner = joiner;
    this.#isConfirmed = false;
    this.#isReading = true;
    this.#readAt = now;
    this.#read((isRead) => {
      this.#isReading = false;
      this.#isConfirmed = isRead && isTaken();
    });
    return false;
  }

  #isFor({ id, storeId, boot }: Joiner): boolean {
    return this.#joiner?.id === id && this.#joiner.storeId === storeId && this.#joiner.boot === boot;
  }
}
