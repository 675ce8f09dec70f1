/** The directory of a founder whose cluster has lived for long: its log and its state are empty, and all its numbers are high. */
import { Writer } from "../../core/bytes.ts";
import { beginSnapshot, endSnapshot } from "../../core/kv/snapshot.ts";
import { bootstrapBase } from "../../core/node/bootstrap.ts";
import type { CompactionPoint } from "../../core/protocol/configuration.ts";
import { encodeIdentity, type Engine, genesisOf } from "../../core/storage/identity.ts";
import { encodeMeta, metaKey } from "../../core/storage/ordered-format.ts";
import { snapshotName } from "../../core/storage/snapshot-store.ts";
import { encodeBatch, segmentName } from "../../core/storage/wal-record.ts";
import type { NodeId, StoreId } from "../../core/units.ts";
import type { Origin } from "../plan/origin.ts";
import type { DirectoryCopy } from "./directory.ts";
import { identityName } from "./identity-file.ts";

/** Whose it is: `storeIds` are those of all founders, in the order of the list of their addresses. */
export type LivedFounder = {
  readonly id: NodeId;
  readonly engine: Engine;
  readonly founders: readonly string[];
  readonly storeIds: readonly StoreId[];
};

/** What a process of it has left that was stopped at `origin`, with everything durable. */
export function livedDirectory({ id, engine, founders, storeIds }: LivedFounder, origin: Origin): DirectoryCopy {
  const { index, term, clusterMicros, boot, segment, position } = origin;
  const storeId = storeIds[id - 1]!;
  const genesis = genesisOf(founders, storeIds);
  const { configuration } = bootstrapBase(founders, genesis);
  const base: CompactionPoint = { place: { index, term, clusterMicros }, configuration };
  const batch = new Writer();
  const place = { storeId, segment, offset: 0, segmentPosition: position, syncedThrough: position };
  encodeBatch(batch, place, { hardState: { term, vote: 0 }, base, replaces: false, entries: [] });
  const identity = encodeIdentity({
    storeId,
    node: id,
    engine,
    boot,
    founders,
    genesis,
    incarnation: 0,
    lost: null,
    former: [],
    rebound: false,
    sinceTerm: 0,
    removed: false,
    log: { firstSegment: segment, lastSegment: segment, durableThrough: position + batch.length },
  });
  const snapshot = new Writer();
  beginSnapshot(snapshot, { cluster: genesis.cluster, ...base, sessionCount: 0, rowCount: 0 });
  endSnapshot(snapshot);
  const meta = encodeMeta({ storeId, generation: 0, applied: base.place, rowCount: 0, lanes: [0, 0] });
  const hasRows = engine !== "memory";
  return {
    disk: new Map([
      [identityName, identity],
      [segmentName(segment), batch.bytes().slice()],
    ]),
    snapshots: new Map(hasRows ? [] : [[snapshotName(index, term), snapshot.bytes().slice()]]),
    rows: new Map(hasRows ? [[metaKey, meta]] : []),
  };
}
