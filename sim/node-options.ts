/** How a run's plan sets up each of its nodes. */
import { nodeLimits } from "../core/limits.ts";
import type { NodeOptions } from "../core/node/options.ts";
import type { Engine } from "../core/storage/identity.ts";
import type { NodeId } from "../core/units.ts";
import type { Plan } from "./plan/plan.ts";
import { firstAddress } from "./world/addresses.ts";

function engineOf({ engines }: Plan, id: NodeId): Engine {
  return engines === "mixed" ? (id % 2 === 0 ? "rocksdb" : "memory") : engines;
}

/** The same options at each start of machine `id`. Founders have the ids from 1 to `plan.nodes`; all above join. */
export function nodeOptions(plan: Plan, id: NodeId): NodeOptions {
  return {
    ...nodeLimits,
    ...plan.limits,
    id,
    cluster: Array.from({ length: plan.nodes }, (_, k) => firstAddress(k + 1)),
    peerUrl: null,
    join: id > plan.nodes,
    directory: `the directory of n${id}`,
    engine: engineOf(plan, id),
    snapshotEntries: plan.snapshotEntries,
    trailingEntries: plan.trailingEntries,
    trailingBytes: plan.trailingBytes,
    snapshotChunkBytes: plan.snapshotChunkBytes,
    electionMicros: plan.electionMicros,
    heartbeatMicros: plan.heartbeatMicros,
    requestMicros: plan.requestMicros,
    entriesPerAppendMax: plan.entriesPerAppendMax,
    entriesInFlightMax: plan.entriesInFlightMax,
    bytesInFlightMax: plan.bytesInFlightMax,
    messagesInFlightMax: plan.messagesInFlightMax,
    uncommittedBytesMax: plan.uncommittedBytesMax,
    entriesPerApplyMax: plan.entriesPerApplyMax,
    walSegmentBytesMax: plan.walSegmentBytesMax,
  };
}
