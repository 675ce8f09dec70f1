/** RocksDB as core's OrderedKv. The first error is the last answer: nothing after it is trusted. */
import type { DiskError, KvScan, OrderedKv } from "../core/ports.ts";
import type { RocksLibrary, RocksMap } from "./rocksdb/library.ts";

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

/** Of a call before `open` has completed or after `close`. Unlike RocksDB's own errors it says nothing of the rows. */
const notOpen: DiskError = { code: "ENOTOPEN", message: "the RocksDB map is not open" };

class RocksKv implements OrderedKv {
  readonly #library: RocksLibrary;
  readonly #location: string;
  #map: RocksMap | null = null;
  #failure: DiskError | null = null;

  constructor(library: RocksLibrary, location: string) {
    this.#library = library;
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
    this.#library.open(this.#location, openFilesMax, (error, map) => {
      if (isShortage(error)) {
        setTimeout(() => this.open(done), shortageRetryMs);
        return;
      }
      this.#map = map ?? null;
      done(this.fail(error));
    });
  }

  get(keys: readonly string[], done: (error: DiskError | null, values: readonly (Uint8Array | null)[]) => void): void {
    if (this.#map === null) return done(notOpen, []);
    this.#map.getMany(keys.map(stored), (error, values) => {
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
    if (this.#map === null) return done(notOpen);
    const changes = batch.map(({ key, value }) =>
      value === null
        ? { type: "del" as const, key: stored(key) }
        : { type: "put" as const, key: stored(key), value: Buffer.from(value.buffer, value.byteOffset, value.length) },
    );
    this.#map.batch(changes, sync, (error) => done(this.fail(error)));
  }

  scan(first: string, end: string): KvScan {
    if (this.#map === null) return { next: (_count, done) => done(notOpen, []), end: () => undefined };
    const scan = this.#map.scan(stored(first), stored(end));
    return {
      next: (count, done) =>
        scan.next(count, (error, pairs) => {
          const failure = this.fail(error);
          if (failure !== null) return done(failure, []);
          done(
            null,
            pairs.map(([key, value]) => [key.toString("latin1"), plain(value)]),
          );
        }),
      end: () => scan.end(),
    };
  }

  close(): void {
    this.#map?.close(() => undefined);
    this.#map = null;
  }
}

/** The map of the directory `location`, whose parent exists. */
export function rocksKv(library: RocksLibrary, location: string): OrderedKv {
  return new RocksKv(library, location);
}
