/**
 * Whether a follower may refuse a joining node because the id that it uses is the leader's. The leader answers for every
 * other id, but nobody can ask it under its own. A follower's configuration may lag behind one that has removed that id and
 * added it again. So the follower first reads linearizably, and refuses only where it still finds the id bound and leading.
 */
import type { Micros, NodeId, StoreId } from "../units.ts";
import type { ReadBarrier } from "./pending-reads.ts";

/** One boot of a directory: what was found out for it says nothing to a later one. */
export type Joiner = { readonly id: NodeId; readonly storeId: StoreId; readonly boot: number };

/** One joiner at a time is looked at; another one waits for its next request. */
export class LeaderIdCheck {
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
