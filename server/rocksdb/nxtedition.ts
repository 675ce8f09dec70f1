/** @nxtedition/rocksdb 12 (RocksDB 9.7), for every Node version. */
import type { RocksIterator } from "@nxtedition/rocksdb";
import type { Failed, RocksLibrary, RocksPair } from "./library.ts";
import { syncLogs } from "./sync-logs.ts";

function take(
  iterator: RocksIterator,
  count: number,
  pairs: RocksPair[],
  done: (error: Failed, pairs: readonly RocksPair[]) => void,
): void {
  if (pairs.length === count) return done(null, pairs);
  // It may give fewer than it was asked for before the end.
  iterator.nextv(count - pairs.length, (error, more) => {
    if (error !== null && error !== undefined) return done(error, []);
    if (more.length === 0) return done(null, pairs);
    pairs.push(...more);
    take(iterator, count, pairs, done);
  });
}

/** An incomplete answer is an error: it must not pass for absent keys. */
function complete(values: readonly (Buffer | undefined | null)[]): values is readonly (Buffer | undefined)[] {
  return !values.includes(null);
}

/** Throws where the package is missing, or has no binary for this machine. */
export async function loadNxteditionRocksDb(): Promise<RocksLibrary> {
  // Not by its name: Node guesses the names of a CommonJS module from its text, and has once, on a busy machine, found none.
  const { RocksLevel } = (await import("@nxtedition/rocksdb")).default;
  return {
    name: "@nxtedition/rocksdb",
    // The library has no bound on open files of its own.
    open: (location, _openFilesMax, done) => {
      /** Synced batches in flight: a close waits for them. */
      let syncing = 0;
      let onSynced: (() => void) | null = null;
      const level = new RocksLevel(location, { keyEncoding: "buffer", valueEncoding: "buffer" });
      level.open({ walCompression: false }, (error) => {
        if (error !== null && error !== undefined) return done(error);
        done(null, {
          getMany: (keys, got) =>
            level.getMany(keys, (failed, values) => {
              if (failed !== null && failed !== undefined) return got(failed, []);
              if (!complete(values)) return got(new Error("an incomplete answer"), []);
              got(null, values);
            }),
          batch: (changes, sync, written) => {
            if (!sync) return level.batch(changes, { sync }, written);
            syncing += 1;
            const end = (failed: Failed): void => {
              syncing -= 1;
              written(failed);
              if (syncing === 0) onSynced?.();
            };
            // The library syncs on this thread. Most of the bytes go down before, on another one.
            syncLogs(location, (failed) => (failed === null ? level.batch(changes, { sync }, end) : end(failed)));
          },
          scan: (first, end) => {
            const iterator = level.iterator({ gte: first, lt: end });
            return {
              next: (count, taken) => take(iterator, count, [], taken),
              end: () => iterator.close(() => undefined),
            };
          },
          close: (closed) => {
            if (syncing === 0) level.close(closed);
            else onSynced = () => level.close(closed);
          },
        });
      });
    },
  };
}
