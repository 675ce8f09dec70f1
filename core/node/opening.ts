/** How a directory is opened: its identity, its log, its rows, its snapshot; and how they make one. */
import type { Clock, Disk, DiskError, Random, Trace } from "../ports.ts";
import type { LogBase } from "../raft/configurations.ts";
import type { HardState } from "../raft/messages.ts";
import { type Claim, type Identity, openIdentity, saveIdentity, storeIdFrom } from "../storage/identity.ts";
import { holdsPlace } from "../storage/join-log.ts";
import { snapshotPlace, SnapshotStore } from "../storage/snapshot-store.ts";
import type { Installing, StateStore } from "../storage/state-store.ts";
import type { WalTail } from "../storage/wal.ts";
import { segmentNumber } from "../storage/wal-record.ts";
import { recoverWal, type Recovered, type WalLog } from "../storage/wal-recovery.ts";
import type { Ending } from "./options.ts";

export type Opened = {
  readonly identity: Identity;
  readonly hardState: HardState;
  readonly tail: WalTail;
  readonly log: WalLog;
  /** Of the newest snapshot, where the log may have to begin with it. */
  readonly snapshot: LogBase | null;
  readonly snapshots: SnapshotStore;
};

export type OpeningPorts = {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly snapshotDisk: Disk;
  readonly random: Random;
  readonly trace: Trace;
  readonly store: StateStore;
};

type Done = (ending: Ending | null, opened: Opened | null) => void;

/** `done` gets the opened directory, or why the node cannot go on. */
export function openDirectory(
  ports: OpeningPorts,
  claim: Claim,
  onDiskError: (error: DiskError) => void,
  done: Done,
): void {
  const { clock, disk, snapshotDisk, random, trace, store } = ports;
  const refuse = (kind: "refused" | "corrupt", reason: string): void => done({ kind, reason }, null);
  openIdentity(disk, random, claim, (failure, identity) => {
    if (failure?.kind === "disk") return onDiskError(failure.error);
    if (failure !== null || identity === null) return refuse("refused", failure?.reason ?? "no identity");
    if (identity.lost !== null) return openAnew(ports, identity, onDiskError, done);
    recoverWal(disk, identity.storeId, (result) => {
      if (!result.ok && result.kind === "disk") return onDiskError(result.error);
      if (!result.ok) {
        const where = `${result.file} is damaged at byte ${result.offset}, below what had been synced: ${result.reason}`;
        if (!knowsOthers(identity, claim)) return refuse("corrupt", `${where}; no other member is known: ${helpless}`);
        trace.note("warn", `${where}; the others are asked to bind this directory anew`);
        const storeId = storeIdFrom(random, identity.boot);
        const former = [...identity.former, identity.storeId];
        return openAnew(ports, { ...identity, storeId, lost: identity.storeId, former }, onDiskError, done);
      }
      if (result.cutBytes > 0) trace.note("info", `cut ${result.cutBytes} un-synced bytes off the log`);
      // A damaged store may have brought back the rows of a life before this directory was bound anew: they count as lost.
      store.open(
        identity.storeId,
        (owner) => identity.former.includes(owner),
        (trouble) => {
          if (trouble?.kind === "disk") return onDiskError(trouble.error);
          if (trouble !== null) return refuse("refused", trouble.reason);
          const snapshots = new SnapshotStore(snapshotDisk, clock, onDiskError);
          loadSnapshot(snapshots, store, result, (problem, snapshot) => {
            if (problem !== null) return refuse("corrupt", problem);
            const { hardState, tail, log } = result;
            done(null, { identity, hardState, tail, log, snapshot, snapshots });
          });
        },
      );
    });
  });
}

const helpless = "put back a copy of this node's directory";

/** Whether anybody can be asked: only a quorum of others can give back what was lost. */
function knowsOthers({ node, founders, genesis }: Identity, { cluster }: Claim): boolean {
  return genesis !== null && [...founders, ...cluster].some((url) => url !== (founders[node - 1] ?? cluster[node - 1]));
}

/**
 * A directory whose log is lost begins anew, under a new store id: durably so before anything is thrown away. What was in
 * the log is kept aside, under names that nobody reads.
 */
function openAnew(ports: OpeningPorts, identity: Identity, onDiskError: (error: DiskError) => void, done: Done): void {
  const { clock, disk, snapshotDisk, store } = ports;
  const orBroken =
    (next: () => void) =>
    (error: DiskError | null): void => {
      if (error === null) next();
      else onDiskError(error);
    };
  saveIdentity(
    disk,
    identity,
    orBroken(() => {
      setAside(
        disk,
        orBroken(() => {
          const snapshots = new SnapshotStore(snapshotDisk, clock, onDiskError);
          snapshots.clear(() => {
            store.open(
              identity.storeId,
              () => true,
              (trouble) => {
                if (trouble?.kind === "disk") return onDiskError(trouble.error);
                if (trouble !== null) return done({ kind: "refused", reason: trouble.reason }, null);
                recoverWal(disk, identity.storeId, (result) => {
                  if (!result.ok && result.kind === "disk") return onDiskError(result.error);
                  if (!result.ok) return done({ kind: "corrupt", reason: result.reason }, null);
                  const { hardState, tail, log } = result;
                  done(null, { identity, hardState, tail, log, snapshot: null, snapshots });
                });
              },
            );
          });
        }),
      );
    }),
  );
}

/** Gives the log's segments names that recovery does not read. */
function setAside(disk: Disk, done: (error: DiskError | null) => void): void {
  disk.list((error, names) => {
    if (error !== null) return done(error);
    const next = (segments: readonly string[]): void => {
      const [first, ...others] = segments;
      if (first === undefined) return disk.syncDirectory(done);
      disk.rename(first, `damaged-${first}`, (failure) => (failure === null ? next(others) : done(failure)));
    };
    next(names.filter((name) => segmentNumber(name) !== null));
  });
}

/** Brings the newest snapshot into the store where it leads further; lets go of one that nobody needs. */
function loadSnapshot(
  snapshots: SnapshotStore,
  store: StateStore,
  { log }: Recovered,
  done: (problem: string | null, snapshot: LogBase | null) => void,
): void {
  snapshots.open((name) => {
    const place = name === null ? null : snapshotPlace(name);
    if (name === null || place === null) return done(null, null);
    const isNew = place.index > store.applied.index;
    if (!isNew && holdsPlace(log, store.applied)) return snapshots.remove(name, () => done(null, null));
    snapshots.load(name, isNew ? store.beginInstall() : nowhere, (problem, header) => {
      if (problem === null) return done(null, header);
      done(`the snapshot ${name} is damaged near byte ${problem.offset}: ${problem.reason}`, null);
    });
  });
}

/** For a snapshot that is in the rows already: only its header is wanted. */
const nowhere: Installing = {
  put: (_rows, done) => done(null),
  commit: (_sessions, _place, done) => done(null),
  abort: () => undefined,
};
