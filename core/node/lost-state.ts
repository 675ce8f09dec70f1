/**
 * A node whose rows are gone while its log begins later: RocksDB lost its tail, or a directory was emptied. Vote and log
 * are whole, so it votes, appends and counts; but it cannot apply. It asks the leader for a snapshot, and hands over a
 * leadership of its own.
 */
import type { Outgoing } from "../protocol/message.ts";
import { isOnlyVoter } from "../raft/membership.ts";
import type { Raft } from "../raft/raft.ts";
import { type Checked, passed, refused } from "../result.ts";
import { lastResort } from "../storage/remedies.ts";
import type { Micros } from "../units.ts";
import type { ContextOf } from "./context.ts";

type LostStateContext = ContextOf<"store" | "trace", "directory" | "heartbeatMicros" | "id">;

/** One for each boot. It does nothing while the log reaches down to the applied index. */
export class LostState {
  readonly #store: LostStateContext["store"];
  readonly #options: LostStateContext["options"];
  readonly #raft: Raft;
  readonly #askEveryMicros: Micros;
  #askAt: Micros = 0;
  #handOverAt: Micros = Infinity;

  constructor({ store, trace, options }: LostStateContext, raft: Raft) {
    this.#store = store;
    this.#options = options;
    this.#raft = raft;
    this.#askEveryMicros = 4 * options.heartbeatMicros;
    if (!this.isLost) return;
    const gap = `the rows end at entry ${store.applied.index}, the log begins after ${raft.log.baseIndex}`;
    trace.note("warn", `${gap}: a snapshot is asked for`);
  }

  get isLost(): boolean {
    return this.#store.applied.index < this.#raft.log.baseIndex;
  }

  /** Whether the rows are there, or another voter can give them back. */
  checkRecoverable(): Checked {
    if (!this.isLost || !isOnlyVoter(this.#raft.configuration, this.#options.id)) return passed;
    const gap = `the rows end at entry ${this.#store.applied.index}, the log begins after ${this.#raft.log.baseIndex}`;
    return refused(`${gap}, and no other voter has what lies between: ${lastResort(this.#options.directory)}`);
  }

  /** What is to be sent now. */
  ask(now: Micros): Outgoing[] {
    const { leader, role, log } = this.#raft;
    if (!this.isLost || leader === 0 || role === "leader" || now < this.#askAt) return [];
    this.#askAt = now + this.#askEveryMicros;
    return [{ to: leader, message: { kind: "snapshot-wanted", index: log.baseIndex } }];
  }

  /** Whether it leads and should not. It waits a while at first: others who have lost their rows will ask it for them. */
  mayHandOver(now: Micros): boolean {
    if (!this.isLost || this.#raft.role !== "leader") {
      this.#handOverAt = Infinity;
      return false;
    }
    if (this.#handOverAt === Infinity) this.#handOverAt = now + this.#askEveryMicros;
    return now >= this.#handOverAt;
  }

  nextDeadline(): Micros {
    if (!this.isLost || this.#raft.leader === 0) return Infinity;
    // A leader is awake at every heartbeat.
    return this.#raft.role === "leader" ? Infinity : this.#askAt;
  }
}
