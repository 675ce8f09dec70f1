/**
 * Members that say that they have lost their logs: each asks again and again to be rebound. Where they are too many there is
 * no leader, and a member that is whole waits for them; its operator is to know why.
 */
import { memberOf } from "../raft/membership.ts";
import type { Raft } from "../raft/raft.ts";
import { putBackCopy } from "../storage/remedies.ts";
import type { Micros, NodeId, StoreId } from "../units.ts";
import type { ContextOf } from "./context.ts";

/** Who has not asked for so long is gone, or has its place again. */
const silenceMicros: Micros = 5_000_000;
const tellMicros: Micros = 60_000_000;

/** One for each boot that takes part. */
export class LostPeers {
  readonly #trace: ContextOf<"trace">["trace"];
  readonly #raft: Raft;
  readonly #heardAt = new Map<NodeId, Micros>();
  #toldAt: Micros = -Infinity;

  constructor({ trace }: Pick<ContextOf<"trace">, "trace">, raft: Raft) {
    this.#trace = trace;
    this.#raft = raft;
  }

  /** `id` says that the log of its directory `lost` is gone. */
  heard(now: Micros, id: NodeId, lost: StoreId): void {
    if (memberOf(this.#raft.configuration, id)?.storeId !== lost) return;
    this.#heardAt.set(id, now);
    const missing = this.withoutWhom(now);
    if (missing.length === 0 || now < this.#toldAt + tellMicros) return;
    this.#toldAt = now;
    const advice = `start every other voter, or ${putBackCopy("their directories")}`;
    this.#trace.note("warn", `there is no leader: ${lostInWords(missing)}: ${advice}`);
  }

  /** The voters that have lost their logs, where there is no leader and no majority without them; else nobody. */
  withoutWhom(now: Micros): readonly NodeId[] {
    const { configuration, leader } = this.#raft;
    if (leader !== 0) return [];
    const isLost = (id: NodeId): boolean => now - (this.#heardAt.get(id) ?? -Infinity) < silenceMicros;
    const halves = [configuration.voters, configuration.outgoing].filter((half) => half.length > 0);
    const isStuck = halves.some((half) => half.filter((id) => !isLost(id)).length * 2 <= half.length);
    return isStuck ? [...new Set(halves.flat())].filter(isLost).toSorted((a, b) => a - b) : [];
  }
}

/** For a sentence: who has lost their logs, and that nothing can be decided without them. */
export function lostInWords(ids: readonly NodeId[]): string {
  const [nodes, logs] = ids.length === 1 ? ["node", "has lost its log"] : ["nodes", "have lost their logs"];
  return `${nodes} ${ids.join(", ")} ${logs}, and the other voters are no majority`;
}
