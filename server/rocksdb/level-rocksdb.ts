/** level-rocksdb 5 over rocksdb 5.2.1 (RocksDB 6.17). Its native module ends the process on Node 22 and later. */
import type { LevelIterator } from "level-rocksdb";
import type { Failed, RocksLibrary, RocksPair } from "./library.ts";

function take(
  iterator: LevelIterator,
  count: number,
  pairs: RocksPair[],
  done: (error: Failed, pairs: readonly RocksPair[]) => void,
): void {
  if (pairs.length === count) return done(null, pairs);
  iterator.next((error, key, value) => {
    if (error !== null && error !== undefined) return done(error, []);
    if (key === undefined || value === undefined) return done(null, pairs);
    pairs.push([key, value]);
    take(iterator, count, pairs, done);
  });
}

/** Throws where the package is missing. Not to be called on Node 22 and later. */
export async function loadLevelRocksDb(): Promise<RocksLibrary> {
  const { default: open } = await import("level-rocksdb");
  return {
    name: "level-rocksdb",
    open: (location, openFilesMax, done) =>
      open(location, { keyEncoding: "binary", valueEncoding: "binary", maxOpenFiles: openFilesMax }, (error, level) => {
        if (error !== null && error !== undefined) return done(error);
        done(null, {
          getMany: (keys, got) => level.getMany(keys, got),
          batch: (changes, sync, written) => level.batch(changes, { sync }, written),
          scan: (first, end) => {
            const iterator = level.iterator({ gte: first, lt: end });
            return {
              next: (count, taken) => take(iterator, count, [], taken),
              end: () => iterator.end(() => undefined),
            };
          },
          close: (closed) => level.close(closed),
        });
      }),
  };
}
