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
  const { RocksLevel } = await import("@nxtedition/rocksdb");
  return {
    name: "@nxtedition/rocksdb",
    open: (location, openFilesMax, done) => {
      const level = new RocksLevel(location, { keyEncoding: "buffer", valueEncoding: "buffer" });
      level.open({ walCompression: false, maxOpenFiles: openFilesMax }, (error) => {
        if (error !== null && error !== undefined) return done(error);
        done(null, {
          getMany: (keys, got) =>
            level.getMany(keys, (failed, values) => {
              if (failed !== null && failed !== undefined) return got(failed, []);
              if (!complete(values)) return got(new Error("an incomplete answer"), []);
              got(null, values);
            }),
          batch: (changes, sync, written) => {
            const write = (): void => level.batch(changes, { sync }, written);
            if (!sync) return write();
            // The library syncs on this thread. Most of the bytes go down before, on another one.
            syncLogs(location, (failed) => (failed === null ? write() : written(failed)));
          },
          scan: (first, end) => {
            const iterator = level.iterator({ gte: first, lt: end });
            return {
              next: (count, taken) => take(iterator, count, [], taken),
              end: () => iterator.close(() => undefined),
            };
          },
          close: (closed) => level.close(closed),
        });
      });
    },
  };
}
