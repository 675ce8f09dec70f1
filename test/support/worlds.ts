/** The ports of both worlds, for the suites that every implementation passes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Disk, DiskError, OrderedKv } from "../../core/ports.ts";
import { machineDisk } from "../../server/disk.ts";
import { loadRocksDb, rocksKv } from "../../server/ordered-kv.ts";
import { type DiskWorld, SimDisk } from "../../sim/world/disk.ts";
import { SimKv } from "../../sim/world/ordered-kv.ts";

/** The result of a call that takes a completion. */
export function completed<T>(call: (done: (error: DiskError | null, result: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error === null) resolve(result);
      else reject(new Error(`${error.code}: ${error.message}`));
    });
  });
}

/** The end of a call that gives no result. */
export function ended(call: (done: (error: DiskError | null) => void) => void): Promise<void> {
  return completed((done) => call((error) => done(error, undefined)));
}

export const calm: DiskWorld = {
  complete: (_role, _occasion, done) => void setImmediate(done),
  chance: {
    syncFails: () => false,
    syncLies: () => false,
    misdirects: () => null,
    readFails: () => false,
    writeFails: () => null,
    survives: () => false,
    sectorSurvives: () => false,
    namesSurviving: () => 0,
  },
  lieTold: () => undefined,
  wrote: () => undefined,
  synced: () => undefined,
  removed: () => undefined,
  namesSynced: () => undefined,
};

/** A directory that outlives the process that opened it; `crash` takes the power, where the world can do that. */
export type DiskHome = { open(): Disk; readonly crash: (() => void) | null; remove(): void };

export function simDiskHome(): DiskHome {
  const disk = new SimDisk(calm, 0);
  return { open: () => disk.open(), crash: () => disk.cutPower(), remove: () => undefined };
}

export function machineDiskHome(): DiskHome {
  const directory = mkdtempSync(join(tmpdir(), "metastore-disk-"));
  return {
    open: () => machineDisk(directory),
    crash: null,
    remove: () => rmSync(directory, { recursive: true }),
  };
}

export type KvHome = {
  open(): OrderedKv;
  /** What is open is closed, or gone; then `open` may be called again. */
  close(kv: OrderedKv): Promise<void>;
  readonly crash: (() => void) | null;
  remove(): void;
};

export function simKvHome(): KvHome {
  const kv = new SimKv({
    complete: (_role, _occasion, done) => void setImmediate(done),
    syncFails: () => false,
    readFails: () => false,
    left: () => 0,
    kvSynced: () => undefined,
  });
  return {
    open: () => kv.open(),
    close: () => {
      kv.processDied();
      return Promise.resolve();
    },
    crash: () => {
      kv.processDied();
      kv.cutPower(false);
    },
    remove: () => undefined,
  };
}

/** RocksDB must be there: it is an optional dependency of the product, not of its tests. */
export async function rocksKvHome(): Promise<KvHome> {
  const rocksDb = await loadRocksDb();
  if ("missing" in rocksDb) throw new Error(rocksDb.missing);
  const directory = mkdtempSync(join(tmpdir(), "metastore-rocks-"));
  return {
    open: () => rocksKv(rocksDb.open, directory),
    close: async (kv) => {
      kv.close();
      // RocksDB gives its lock back a moment later.
      await new Promise((resolve) => setTimeout(resolve, 100));
    },
    crash: null,
    remove: () => rmSync(directory, { recursive: true }),
  };
}
