/** How a directory is opened: its identity, its snapshot into the state store, its log; in that order. */
import type { Clock, Disk, DiskError, Random, Trace } from "../ports.ts";
import type { ConfigurationAt } from "../raft/configurations.ts";
import type { HardState } from "../raft/messages.ts";
import { type Claim, type Identity, openIdentity } from "../storage/identity.ts";
import { type JoinedLog, joinLog } from "../storage/join-log.ts";
import { SnapshotStore } from "../storage/snapshot-store.ts";
import type { StateStore } from "../storage/state-store.ts";
import type { WalTail } from "../storage/wal.ts";
import { recoverWal, type Recovered } from "../storage/wal-recovery.ts";
import type { Ending } from "./options.ts";

export type Opened = {
  readonly identity: Identity;
  readonly hardState: HardState;
  readonly tail: WalTail;
  readonly log: JoinedLog;
  /** In force at the log's base, where a snapshot says it; else it is the founders'. */
  readonly configuration: ConfigurationAt | null;
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

/** `done` gets the opened directory, or why the node cannot go on. */
export function openDirectory(
  ports: OpeningPorts,
  claim: Claim,
  onDiskError: (error: DiskError) => void,
  done: (ending: Ending | null, opened: Opened | null) => void,
): void {
  const { clock, disk, snapshotDisk, random, trace, store } = ports;
  openIdentity(disk, random, claim, (failure, identity) => {
    if (failure?.kind === "disk") return onDiskError(failure.error);
    if (failure !== null || identity === null) {
      return done({ kind: "refused", reason: failure?.reason ?? "no identity" }, null);
    }
    const snapshots = new SnapshotStore(snapshotDisk, clock, onDiskError);
    loadSnapshot(snapshots, store, (problem, configuration) => {
      if (problem !== null) return done({ kind: "corrupt", reason: problem }, null);
      recoverWal(disk, identity.storeId, (result) => {
        if (!result.ok && result.kind === "disk") return onDiskError(result.error);
        if (!result.ok) {
          const where = `${result.file} is damaged at byte ${result.offset}, below what had been synced`;
          return done({ kind: "corrupt", reason: `${where}: ${result.reason}` }, null);
        }
        if (result.cutBytes > 0) trace.note("info", `cut ${result.cutBytes} un-synced bytes off the log`);
        finish(identity, snapshots, store, configuration, result, done);
      });
    });
  });
}

function loadSnapshot(
  snapshots: SnapshotStore,
  store: StateStore,
  done: (problem: string | null, configuration: ConfigurationAt | null) => void,
): void {
  snapshots.open((name) => {
    if (name === null) return done(null, null);
    snapshots.load(name, store.beginInstall(), (problem, header) => {
      if (problem === null) return done(null, header?.configuration ?? null);
      done(`the snapshot ${name} is damaged near byte ${problem.offset}: ${problem.reason}`, null);
    });
  });
}

function finish(
  identity: Identity,
  snapshots: SnapshotStore,
  store: StateStore,
  configuration: ConfigurationAt | null,
  { hardState, tail, log: walLog }: Recovered,
  done: (ending: Ending | null, opened: Opened | null) => void,
): void {
  const log = joinLog(snapshots.latest === null ? null : store.applied, walLog);
  if (typeof log === "string") return done({ kind: "corrupt", reason: log }, null);
  done(null, { identity, hardState, tail, log, configuration, snapshots });
}
