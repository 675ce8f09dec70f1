/** How a directory is opened: its identity, its log, its rows, its snapshot; and how they make one. */
import type { Disk, DiskError } from "../ports.ts";
import type { CompactionPoint } from "../protocol/configuration.ts";
import type { HardState } from "../protocol/entry.ts";
import { type Claim, type Identity, openIdentity, withLostLog } from "../storage/identity.ts";
import { IdentityFile } from "../storage/identity-file.ts";
import { lastResortAlone, startAfresh } from "../storage/remedies.ts";
import { type SnapshotFileLimits, SnapshotStore } from "../storage/snapshot-store.ts";
import { extentOf, type WalTail } from "../storage/wal.ts";
import { segmentNumber } from "../storage/wal-record.ts";
import { describeDamage, type ExpectedLog, recoverWal, type Recovered, type WalLog } from "../storage/wal-recovery.ts";
import type { NodePorts } from "./context.ts";
import { loadSnapshot } from "./load-snapshot.ts";
import type { Ending, EndingCode } from "./options.ts";

/** An open directory: all of it is whole and durable, and nobody else writes it. */
export type Opened = {
  /** As it was once the directory was open. */
  readonly identity: Identity;
  readonly identityFile: IdentityFile;
  readonly hardState: HardState;
  readonly tail: WalTail;
  readonly log: WalLog;
  /** Of the newest snapshot, where the log may have to begin with it. */
  readonly snapshot: CompactionPoint | null;
  readonly snapshots: SnapshotStore;
};

/** What an opening touches of the machine: no network, for nothing is said before it is done. */
export type OpeningPorts = Omit<NodePorts, "network">;

/** The opened directory, or how the node ends. */
export type OpeningResult =
  | { readonly ok: true; readonly value: Opened }
  | { readonly ok: false; readonly ending: Ending };

type Done = (result: OpeningResult) => void;

/** A directory whose log is lost: `identityFile` holds who it was, `identity` is who it becomes. */
type Emptied = {
  readonly ports: OpeningPorts;
  readonly identityFile: IdentityFile;
  readonly identity: Identity;
  readonly limits: SnapshotFileLimits;
  readonly onDiskError: (error: DiskError) => void;
};

/** `done` gets the opened directory, or why the node cannot go on. */
export function openDirectory(
  ports: OpeningPorts,
  claim: Claim,
  limits: SnapshotFileLimits,
  onDiskError: (error: DiskError) => void,
  done: Done,
): void {
  const { clock, disk, snapshotDisk, random, trace, store } = ports;
  const { directory } = claim;
  const refuse = (code: EndingCode, reason: string): void => done({ ok: false, ending: { code, reason } });
  openIdentity(disk, random, claim, (owned) => {
    if (!owned.ok) return owned.kind === "disk" ? onDiskError(owned.error) : refuse(owned.code, owned.reason);
    const identity = owned.value;
    const identityFile = new IdentityFile(disk, identity);
    const begin = (emptied: Identity): void =>
      openEmptyLog({ ports, identityFile, identity: emptied, limits, onDiskError }, done);
    if (identity.lost !== null) return begin(identity);
    recoverWal(disk, identity.storeId, expectedLog(identity), (result) => {
      if (!result.ok && result.kind === "disk") return onDiskError(result.error);
      if (!result.ok) {
        const where = describeDamage(result);
        if (!knowsOthers(identity, claim)) return refuse("unrecoverable", `${where}; ${helpless(directory)}`);
        trace.note("warn", `${where}; the others are asked to rebind this directory`);
        return begin(withLostLog(identity, random));
      }
      if (result.cutBytes > 0)
        trace.note("info", `cut ${result.cutBytes} bytes off the log: nothing says that they were synced`);
      identityFile.saveExtent(extentOf(result.tail), (failed) => {
        if (failed !== null) return onDiskError(failed);
        // A damaged store may have brought back rows from before this directory was rebound: they count as lost.
        const isFormer = (owner: string): boolean => identity.former.includes(owner);
        store.open(identity.storeId, isFormer, (trouble) => {
          if (trouble?.kind === "disk") return onDiskError(trouble.error);
          if (trouble !== null) return refuse("not-ours", `${trouble.reason}: ${startAfresh(claim)}`);
          const snapshots = new SnapshotStore(snapshotDisk, clock, onDiskError, trace, limits);
          const { hardState, tail, log } = result;
          loadSnapshot({ snapshots, store, identity, log, directory }, (loaded) => {
            if (!loaded.ok) return refuse("unrecoverable", loaded.reason);
            const opened = { identity: identityFile.current, identityFile, hardState, tail, log, snapshots };
            done({ ok: true, value: { ...opened, snapshot: loaded.value } });
          });
        });
      });
    });
  });
}

/**
 * A directory has a genesis only once its log had been begun; before that it has neither voted nor acknowledged, and
 * there is nothing in its log to lose.
 */
function expectedLog({ genesis, log }: Identity): ExpectedLog {
  return genesis === null ? null : (log ?? "some");
}

function helpless(directory: string): string {
  return `no other member is known: ${lastResortAlone(directory)}`;
}

/**
 * Whether anybody can be asked: only a quorum of others can give back what was lost. Place k of each list is node k + 1, this
 * one too, wherever it is by now.
 */
function knowsOthers({ node, founders, genesis }: Identity, { cluster }: Claim): boolean {
  return genesis !== null && [founders, cluster].some((list) => list.some((_url, k) => k !== node - 1));
}

/**
 * A directory whose log is lost begins with an empty one, under a new store id: durably so before anything is thrown
 * away. What was in the log is kept aside, under names that nobody reads.
 */
export function openEmptyLog({ ports, identityFile, identity, limits, onDiskError }: Emptied, done: Done): void {
  const { clock, disk, snapshotDisk, trace, store } = ports;
  const refuse = (code: EndingCode, reason: string): void => done({ ok: false, ending: { code, reason } });
  const orFail =
    (next: () => void) =>
    (error: DiskError | null): void => {
      if (error === null) next();
      else onDiskError(error);
    };
  const snapshots = new SnapshotStore(snapshotDisk, clock, onDiskError, trace, limits);
  const begin = (result: Recovered): void => {
    const opened = orFail(() => {
      const { hardState, tail, log } = result;
      const value = { identity: identityFile.current, identityFile, hardState, tail, log, snapshot: null, snapshots };
      done({ ok: true, value });
    });
    identityFile.saveExtent(extentOf(result.tail), opened);
  };
  const openRows = (): void => {
    store.open(
      identity.storeId,
      () => true,
      (trouble) => {
        if (trouble?.kind === "disk") return onDiskError(trouble.error);
        if (trouble !== null) return refuse("not-ours", trouble.reason);
        recoverWal(disk, identity.storeId, null, (result) => {
          if (result.ok) return begin(result);
          if (result.kind === "disk") return onDiskError(result.error);
          refuse("damaged", describeDamage(result));
        });
      },
    );
  };
  const isKept = identity.log === null;
  const clear = orFail(() =>
    clearLog(
      disk,
      isKept,
      orFail(() => snapshots.clear(openRows)),
    ),
  );
  identityFile.update(() => identity, clear);
}

/**
 * Lets go of the log's segments. `isKept`: they get names that recovery does not read, none of which was in use. Otherwise
 * they are those of an earlier start that was not rebound yet: nobody has ever written to them.
 */
function clearLog(disk: Disk, isKept: boolean, done: (error: DiskError | null) => void): void {
  disk.list((error, names) => {
    if (error !== null) return done(error);
    const next = (segments: readonly string[]): void => {
      const [first, ...others] = segments;
      if (first === undefined) return disk.syncDirectory(done);
      const onGone = (failure: DiskError | null): void => (failure === null ? next(others) : done(failure));
      if (isKept) disk.rename(first, freeName(`damaged-${first}`, names), onGone);
      else disk.remove(first, onGone);
    };
    next(names.filter((name) => segmentNumber(name) !== null));
  });
}

function freeName(name: string, names: readonly string[]): string {
  if (!names.includes(name)) return name;
  for (let k = 2; ; k++) if (!names.includes(`${name}.${k}`)) return `${name}.${k}`;
}
