/**
 * Which snapshot a directory is opened with. A damaged one is set aside where something else gives back what it held:
 * the log, an older snapshot, or the other voters, whom the node then asks for theirs (core/node/lost-state.ts).
 */
import type { CompactionPoint } from "../protocol/configuration.ts";
import { isOnlyVoter } from "../raft/membership.ts";
import { type Checked, refused } from "../result.ts";
import type { Identity } from "../storage/identity.ts";
import { holdsPosition } from "../storage/reconcile-log.ts";
import { lastResort, putBackCopy } from "../storage/remedies.ts";
import { snapshotPlace, type SnapshotStore } from "../storage/snapshot-store.ts";
import type { StateInstaller, StateStore } from "../storage/state-store.ts";
import type { WalLog } from "../storage/wal-recovery.ts";
import { latestConfiguration } from "./cluster-list.ts";

/** What of a directory decides by which snapshot it is opened. `directory` names it for the operator. */
type SnapshotChoice = {
  readonly snapshots: SnapshotStore;
  readonly store: StateStore;
  readonly identity: Pick<Identity, "node" | "genesis">;
  readonly log: WalLog;
  readonly directory: string;
};

/**
 * Brings the newest whole snapshot into the store where it leads further; lets go of those that nobody needs. `done` gets
 * its place, null where the store stays as it is, or why the node cannot go on.
 */
export function loadSnapshot(
  { snapshots, store, identity, log, directory }: SnapshotChoice,
  done: (loaded: Checked<CompactionPoint | null>) => void,
): void {
  const { node, genesis } = identity;
  const nothingNew = (): void => done({ ok: true, value: null });
  const fail = (reason: string): void => done(refused(reason));
  const nobodyElse = `nobody else has what it held: ${lastResort(directory)}`;
  const nothingBetween = (): string => {
    const gap = `the rows end at entry ${store.applied.index}, the log begins after ${log.base!.place.index}`;
    return `${gap}, and the snapshot between is missing; ${nobodyElse}`;
  };
  const tryNewest = ([name, ...older]: readonly string[]): void => {
    if (name === undefined) return canDoWithout(log, store, node) ? nothingNew() : fail(nothingBetween());
    const { index } = snapshotPlace(name)!;
    if (genesis === null) return fail(`the snapshot ${name} is there, ${neverTookPart(directory)}`);
    const isNew = index > store.applied.index;
    if (!isNew && holdsPosition(log, store.applied)) return snapshots.remove([name, ...older], nothingNew);
    snapshots.load(name, genesis.cluster, isNew ? store.beginInstall() : nowhere, (loaded) => {
      if (loaded.ok) return snapshots.remove(older, () => done(loaded));
      const damage = `near byte ${loaded.offset}, ${loaded.reason}`;
      const isEnough = isNew && (older.length > 0 || canDoWithout(log, store, node));
      if (isEnough) return snapshots.setAside(name, damage, () => tryNewest(older));
      fail(`the snapshot ${name} is damaged ${damage}; ${nobodyElse}`);
    });
  };
  snapshots.open(tryNewest);
}

/** Whether the log leads on from the rows, or another voter can send its snapshot. */
function canDoWithout(log: WalLog, store: StateStore, node: number): boolean {
  const { base } = log;
  // A log without a base begins with entry 1.
  if (base === null || base.place.index <= store.applied.index) return true;
  const latest = latestConfiguration(log, null);
  return latest === null || !isOnlyVoter(latest, node);
}

function neverTookPart(directory: string): string {
  return `but this node has never taken part in a cluster: ${putBackCopy(directory)}, or delete ${directory} to begin with nothing`;
}

/** For a snapshot that is in the rows already: only its header is wanted. */
const nowhere: StateInstaller = {
  put: (_rows, done) => done(null),
  commit: (_sessions, _place, done) => done(null),
  abort: () => undefined,
};
