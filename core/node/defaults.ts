/** What a node is given where its host has no other reason. */
import type { NodeOptions } from "./options.ts";

/** All but what only the host can know: who the node is, and where. */
export const nodeDefaults: Omit<NodeOptions, "id" | "cluster" | "peerUrl" | "join" | "directory" | "engine"> = {
  snapshotEntries: 10_000,
  snapshotBytes: 64 * 1024 * 1024,
  trailingEntries: 5_000,
  trailingBytes: 16 * 1024 * 1024,
  snapshotChunkBytes: 64 * 1024,
  electionMicros: 1_000_000,
  heartbeatMicros: 100_000,
  requestMicros: 5_000_000,
  entriesPerAppendMax: 1_024,
  bytesPerAppendMax: 1024 * 1024,
  entriesInFlightMax: 16_384,
  bytesInFlightMax: 8 * 1024 * 1024,
  messagesInFlightMax: 256,
  uncommittedBytesMax: 64 * 1024 * 1024,
  waitingMax: 20_000,
  entriesPerApplyMax: 1_024,
  walSegmentBytesMax: 64 * 1024 * 1024,
};
