/** The ports of both worlds, for the suites that every implementation passes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Disk, DiskError, OrderedKv } from "../../core/ports.ts";
import { machineDisk } from "../../server/disk.ts";
import { RocksKv } from "../../server/ordered-kv.ts";
import { packagesFor } from "../../server/rocksdb/choose.ts";
import type { RocksLibrary } from "../../server/rocksdb/library.ts";
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
  truncated: () => undefined,
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
    pageRead: () => undefined,
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

/**
 * What binds RocksDB here: the package that this Node version prefers, or the package that the environment names. One at
 * most is loaded: two modules with a RocksDB each crash a process. It must be there: only the product does without it.
 */
export const rocksLibrary: RocksLibrary = await rocksPackage(process.env["METASTORE_TEST_ROCKSDB"]).load();

function rocksPackage(name: string | undefined): ReturnType<typeof packagesFor>[number] {
  const packages = packagesFor(process.version, null);
  const found = packages.find((one) => one.name === (name ?? packages[0]!.name));
  if (found === undefined) throw new Error(`${name} is not for Node ${process.version}`);
  return found;
}

export function rocksKvHome(): KvHome {
  const directory = mkdtempSync(join(tmpdir(), "metastore-rocks-"));
  let closed = Promise.resolve();
  /** RocksDB gives its lock back when a close completes, which the port does not tell. */
  const library: RocksLibrary = {
    name: rocksLibrary.name,
    open: (location, openFilesMax, done) =>
      rocksLibrary.open(location, openFilesMax, (error, map) => {
        if (map === undefined) return done(error);
        const close = (end: (failure: Error | null | undefined) => void): void => {
          closed = new Promise((resolve) => {
            map.close((failure) => {
              end(failure);
              resolve();
            });
          });
        };
        done(error, { ...map, close });
      }),
  };
  return {
    open: () => new RocksKv(library, directory),
    close: (kv) => {
      kv.close();
      return closed;
    },
    crash: null,
    remove: () => rmSync(directory, { recursive: true }),
  };
}

/** Every pair from `first` on and before `end`, three at a time. */
export async function allPairs(kv: OrderedKv, first = "", end = "\u00ff\u00ff\u00ff"): Promise<[string, string][]> {
  const scan = kv.scan(first, end);
  const found: [string, string][] = [];
  for (;;) {
    const pairs = await completed((done: Parameters<typeof scan.next>[1]) => scan.next(3, done));
    for (const [key, value] of pairs) found.push([key, String.fromCharCode(...value)]);
    if (pairs.length < 3) break;
  }
  scan.end();
  return found;
}
