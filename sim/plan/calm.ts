/** The plan of a run that somebody directs: no fault, no client and no operator but those that are asked for. */
import { usualPlanLimits } from "./limits.ts";
import { noOrigin } from "./origin.ts";
import { type Plan, planOf } from "./plan.ts";

const second = 1_000_000;

/** Of `nodes` founders with usual limits, `seed` for what is chance in any run, and `changes` to it. */
export function calmPlan(nodes: number, seed = 1, changes: Partial<Plan> = {}): Plan {
  return {
    ...planOf(seed, { only: [] }),
    nodes,
    spares: 0,
    clients: 0,
    operatorMicros: 0,
    quietMicros: 0,
    latencyMicros: 500,
    syncMicros: 500,
    electionMicros: second,
    heartbeatMicros: second / 10,
    requestMicros: 5 * second,
    snapshotEntries: 10_000,
    entriesPerAppendMax: 64,
    entriesInFlightMax: 256,
    bytesInFlightMax: 1_000_000,
    messagesInFlightMax: 256,
    uncommittedBytesMax: 1_000_000,
    snapshotChunkBytes: 500,
    walSegmentBytesMax: 4_096,
    sessionLimits: { sessionsMax: 100, resultsMax: 10, idleMicrosMax: 3_600 * second },
    sessionUses: 0,
    valueEdges: false,
    limits: usualPlanLimits,
    origin: noOrigin,
    engines: "memory",
    ...changes,
  };
}
