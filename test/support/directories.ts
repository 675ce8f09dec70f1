/** A member's directory as its own code has written it, file by file, and what comes of opening some of it. */
import { openDirectory, type Opened } from "../../core/node/opening.ts";
import type { Ending } from "../../core/node/options.ts";
import type { Clock, Disk, DiskFile } from "../../core/ports.ts";
import type { CompactionPoint } from "../../core/protocol/configuration.ts";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import { type Entry, entryKinds } from "../../core/protocol/entry.ts";
import { type Claim, genesisOf } from "../../core/storage/identity.ts";
import { nodeLimits } from "../../core/limits.ts";
import { sessionLimits } from "../../core/kv/sessions.ts";
import type { IdentityFile } from "../../core/storage/identity-file.ts";
import { MemoryState } from "../../core/storage/memory-state.ts";
import type { StateStore } from "../../core/storage/state-store.ts";
import { type BatchContent, emptyBatch } from "../../core/storage/wal-record.ts";
import { Wal } from "../../core/storage/wal.ts";
import { configurationOf } from "./rafts.ts";
import { completed, ended } from "./worlds.ts";

export type Disks = { readonly log: Disk; readonly snapshots: Disk };
export type Files = {
  readonly log: ReadonlyMap<string, Uint8Array>;
  readonly snapshots: ReadonlyMap<string, Uint8Array>;
};
export type Result = { readonly ending: Ending | null; readonly opened: Opened | null; readonly store: StateStore };

/** Timers fire at once: whatever is written in slices goes on. */
const eager: Clock = {
  now: () => 0,
  timer: (fire) => ({ set: () => void setImmediate(fire), clear: () => undefined }),
  endOfTurn: (run) => run(),
};
/** No timer fires: the log writes no idle watermarks. */
export const idle: Clock = { ...eager, timer: () => ({ set: () => undefined, clear: () => undefined }) };
const silent = { fact: () => undefined, note: () => undefined };
const random = { draw: (_site: string, occasion: number) => occasion * 7919 + 1 };

export function claimOf(voters: number): Claim {
  const cluster = Array.from({ length: voters }, (_, k) => `http://127.0.0.1:${k + 1}`);
  return { id: 1, engine: "memory", cluster, join: false, directory: "D" };
}

/** Opens a directory as a node does; a failing disk is a rejection. */
export function open({ log, snapshots }: Disks, claim: Claim): Promise<Result> {
  const store = new MemoryState(sessionLimits);
  const ports = { clock: eager, disk: log, snapshotDisk: snapshots, random, trace: silent, store };
  return new Promise((resolve, reject) => {
    openDirectory(
      ports,
      claim,
      nodeLimits,
      (error) => reject(new Error(error.message)),
      (result) =>
        resolve(
          result.ok ? { ending: null, opened: result.value, store } : { ending: result.ending, opened: null, store },
        ),
    );
  });
}

function entry(index: number, term: number): Entry {
  const payload = new Uint8Array((index * 13) % 90).fill(index);
  const origin = { node: 1, incarnation: 0, boot: 1, seq: index };
  return makeEntry(index, term, index, { kind: entryKinds.command, origin, session: 0, sequence: 0, payload });
}

function baseAt(index: number, term: number, voters: readonly number[]): CompactionPoint {
  const place = { index, term, clusterMicros: index };
  return { place, configuration: { index: 0, configuration: configurationOf(voters) } };
}

function fail(error: { readonly message: string }): void {
  throw new Error(error.message);
}

function none(_count: number, take: (error: null, rows: []) => void): void {
  take(null, []);
}

const entriesATerm = 12;
/** The last entry that a life in `terms` terms has acknowledged. */
export function acknowledgedIn(terms: number): { readonly index: number; readonly term: number } {
  return { index: terms * entriesATerm, term: terms };
}

/**
 * A member's whole life in `disks`, which are empty: its genesis, elections, entries in several segments, a snapshot,
 * the compaction after it, and a stop in good order. `acknowledged` is called with each entry once a member would
 * acknowledge it.
 */
export async function live(
  disks: Disks,
  voters: number,
  terms: number,
  acknowledged: (last: { readonly index: number; readonly term: number }) => void = () => undefined,
): Promise<void> {
  const claim = claimOf(voters);
  const { opened, ending } = await open(disks, claim);
  if (opened === null) throw new Error(ending?.reason);
  const { identityFile, identity, snapshots, tail } = opened;
  const ids = Array.from({ length: voters }, (_, k) => k + 1);
  const genesis = genesisOf(claim.cluster, [identity.storeId, ...ids.slice(1).map((id) => `${id}`.repeat(32))]);
  await ended((done) => identityFile.save({ ...identity, genesis }, done));
  const options = { segmentBytesMax: 700, idleWatermarkMicros: 1 };
  const wal = new Wal(
    { disk: disks.log, clock: idle, onDiskError: fail },
    { storeId: identity.storeId, extents: identityFile, tail },
    options,
  );
  const append = (content: Partial<BatchContent>): Promise<void> => {
    return new Promise((resolve) => wal.append({ ...emptyBatch, ...content }, resolve));
  };
  let index = 0;
  for (let term = 1; term <= terms; term++) {
    await append({ hardState: { term, vote: 1 } });
    for (let k = 0; k < entriesATerm; k++) {
      index += 1;
      await append({ entries: [entry(index, term)] });
      acknowledged({ index, term });
    }
    if (term !== terms - 1) continue;
    const base = baseAt(index - 3, term, ids);
    const { place, configuration } = base;
    const header = { cluster: genesis.cluster, place, configuration, sessionCount: 0, rowCount: 0 };
    const frozen = { place, rowCount: 0, sessions: [], release: () => undefined };
    await new Promise((resolve) => snapshots.write(header, { ...frozen, rows: none }, resolve));
    await append({ base });
    wal.purge();
  }
  await settled(disks.log, identityFile);
  await new Promise<void>((resolve) => wal.seal(resolve));
  wal.close();
  snapshots.close();
}

/** Waits until the files that are removed in the background are gone. */
async function settled(disk: Disk, identityFile: IdentityFile): Promise<void> {
  let before = "";
  for (;;) {
    await ended((done) => identityFile.update((current) => current, done));
    const names = await completed((done: Parameters<Disk["list"]>[0]) => disk.list(done));
    const now = names.toSorted().join();
    if (now === before && !names.includes("identity.new")) return;
    before = now;
  }
}

async function bytesOf(disk: Disk): Promise<Map<string, Uint8Array>> {
  const names = await completed((done: Parameters<Disk["list"]>[0]) => disk.list(done));
  const files = new Map<string, Uint8Array>();
  for (const name of names.toSorted()) {
    const file = await completed<DiskFile | null>((done) => disk.open(name, false, done));
    files.set(name, await completed((done: Parameters<DiskFile["read"]>[2]) => file!.read(0, file!.sizeBytes, done)));
    file!.close();
  }
  return files;
}

export async function filesOf({ log, snapshots }: Disks): Promise<Files> {
  return { log: await bytesOf(log), snapshots: await bytesOf(snapshots) };
}

async function write(disk: Disk, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of files) {
    const file = await completed<DiskFile | null>((done) => disk.open(name, true, done));
    file!.write(0, bytes);
    await ended((done) => file!.sync(done));
    file!.close();
  }
  await ended((done) => disk.syncDirectory(done));
}

/** Puts `files` on `disks`, which are empty. */
export async function restore(disks: Disks, files: Files): Promise<void> {
  await write(disks.log, files.log);
  await write(disks.snapshots, files.snapshots);
}
