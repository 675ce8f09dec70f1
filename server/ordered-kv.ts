/** RocksDB, through level-rocksdb, as core's OrderedKv. The first error is the last answer: nothing after it is trusted. */
import type { Level, LevelIterator } from "level-rocksdb";
import type { DiskError, KvScan, OrderedKv } from "../core/ports.ts";

export type LevelOpener = typeof import("level-rocksdb").default;

/** The optional package, or in words why it cannot be had. */
export async function loadRocksDb(): Promise<{ readonly open: LevelOpener } | { readonly missing: string }> {
  try {
    const { default: open } = await import("level-rocksdb");
    return { open };
  } catch (error) {
    return { missing: (error as Error).message.split("\n")[0]! };
  }
}

/** RocksDB keeps so many of its files open; the rest of the process's descriptors are for peers and clients. */
const openFilesMax = 128;
const shortageRetryMs = 100;

/** RocksDB has only words for it: no descriptor is free to open one of its files. */
function isShortage(error: Error | null | undefined): boolean {
  const cause = (error as { cause?: Error } | null | undefined)?.cause?.message ?? "";
  return /Too many open files/i.test(`${error?.message ?? ""} ${cause}`);
}

function stored(key: string): Buffer {
  return Buffer.from(key, "latin1");
}

function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

class RocksKv implements OrderedKv {
  readonly #openLevel: LevelOpener;
  readonly #location: string;
  #level: Level | null = null;
  #failure: DiskError | null = null;

  constructor(openLevel: LevelOpener, location: string) {
    this.#openLevel = openLevel;
    this.#location = location;
  }

  /** The failure of this call, or of an earlier one. */
  fail(error: Error | null | undefined): DiskError | null {
    if (error !== null && error !== undefined) {
      const cause = (error as { cause?: Error }).cause?.message ?? "";
      this.#failure ??= { code: "EIO", message: `RocksDB in ${this.#location}: ${error.message} ${cause}`.trim() };
    }
    return this.#failure;
  }

  open(done: (error: DiskError | null) => void): void {
    const options = { keyEncoding: "binary", valueEncoding: "binary", maxOpenFiles: openFilesMax } as const;
    this.#openLevel(this.#location, options, (error, level) => {
      if (isShortage(error)) {
        setTimeout(() => this.open(done), shortageRetryMs);
        return;
      }
      this.#level = level ?? null;
      done(this.fail(error));
    });
  }

  get(keys: readonly string[], done: (error: DiskError | null, values: readonly (Uint8Array | null)[]) => void): void {
    this.#level!.getMany(keys.map(stored), (error, values) => {
      // A read that could not open its file has changed nothing. A write that could not is a failure like any other.
      if (isShortage(error)) {
        setTimeout(() => this.get(keys, done), shortageRetryMs);
        return;
      }
      const failure = this.fail(error);
      if (failure !== null) return done(failure, []);
      done(
        null,
        values.map((value) => (value === undefined ? null : plain(value))),
      );
    });
  }

  write(batch: Parameters<OrderedKv["write"]>[0], sync: boolean, done: (error: DiskError | null) => void): void {
    const operations = batch.map(({ key, value }) =>
      value === null
        ? { type: "del" as const, key: stored(key) }
        : { type: "put" as const, key: stored(key), value: Buffer.from(value.buffer, value.byteOffset, value.length) },
    );
    this.#level!.batch(operations, { sync }, (error) => done(this.fail(error)));
  }

  scan(first: string, end: string): KvScan {
    const iterator = this.#level!.iterator({ gte: stored(first), lt: stored(end) });
    return {
      next: (count, done) => this.#take(iterator, count, [], done),
      end: () => iterator.end(() => undefined),
    };
  }

  #take(
    iterator: LevelIterator,
    count: number,
    pairs: (readonly [string, Uint8Array])[],
    done: Parameters<KvScan["next"]>[1],
  ): void {
    if (pairs.length === count) return done(null, pairs);
    iterator.next((error, key, value) => {
      const failure = this.fail(error);
      if (failure !== null) return done(failure, []);
      if (key === undefined || value === undefined) return done(null, pairs);
      pairs.push([key.toString("latin1"), plain(value)]);
      this.#take(iterator, count, pairs, done);
    });
  }

  close(): void {
    this.#level?.close(() => undefined);
  }
}

/** The map of the directory `location`, whose parent exists. */
export function rocksKv(open: LevelOpener, location: string): OrderedKv {
  return new RocksKv(open, location);
}
