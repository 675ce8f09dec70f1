/** How a directory is opened: its identity, its rows, its log, its snapshot; and how they make one. */
import type { Clock, Disk, DiskError, Random, Trace } from "../ports.ts";
import type { LogBase } from "../raft/configurations.ts";
import type { HardState } from "../raft/messages.ts";
import { type Claim, type Identity, openIdentity } from "../storage/identity.ts";
import { holdsPlace } from "../storage/join-log.ts";
import { snapshotPlace, SnapshotStore } from "../storage/snapshot-store.ts";
import type { Installing, StateStore } from "../storage/state-store.ts";
import type { WalTail } from "../storage/wal.ts";
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
    store.open(identity.storeId, (trouble) => {
      if (trouble?.kind === "disk") return onDiskError(trouble.error);
      if (trouble !== null) return refuse("refused", trouble.reason);
      recoverWal(disk, identity.storeId, (result) => {
        if (!result.ok && result.kind === "disk") return onDiskError(result.error);
        if (!result.ok) {
          const where = `${result.file} is damaged at byte ${result.offset}, below what had been synced`;
          return refuse("corrupt", `${where}: ${result.reason}`);
        }
        if (result.cutBytes > 0) trace.note("info", `cut ${result.cutBytes} un-synced bytes off the log`);
        const snapshots = new SnapshotStore(snapshotDisk, clock, onDiskError);
        loadSnapshot(snapshots, store, result, (problem, snapshot) => {
          if (problem !== null) return refuse("corrupt", problem);
          const { hardState, tail, log } = result;
          done(null, { identity, hardState, tail, log, snapshot, snapshots });
        });
      });
    });
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
