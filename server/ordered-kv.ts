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

/** Some libraries put RocksDB's own words into the cause, some into both. */
function wordsOf(error: Error): string {
  const cause = (error as { cause?: Error }).cause?.message ?? "";
  return cause === "" || error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
}

/** By RocksDB's own status: what it reads is not what it wrote, or a file that it has kept is not there. */
function isDamage(words: string): boolean {
  return /\bCorruption: |\bIO error: No such file or directory/.test(words);
}

function stored(key: string): Buffer {
  return Buffer.from(key, "latin1");
}

function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** Of a call before `open` has completed or after `close`. Unlike RocksDB's own errors it says nothing of the rows. */
const notOpen: DiskError = { code: "ENOTOPEN", message: "the RocksDB map is not open" };

/** The map of one directory. Only one process may have it open, which the directory's lock sees to. */
export class RocksKv implements OrderedKv {
  readonly #library: RocksLibrary;
  readonly #location: string;
  #map: RocksMap | null = null;
  #failure: DiskError | null = null;
  /** While the map is closed and opened again: the calls that wait for it. */
  #waiting: (() => void)[] | null = null;
  #isOpening = false;
  #isClosed = false;
  #onReleased: () => void = () => undefined;
  /**
   * Resolves after `close`, when RocksDB has let the directory go. A process that ends before tears RocksDB down under its
   * own threads, and may end by a signal.
   */
  readonly released = new Promise<void>((resolve) => (this.#onReleased = resolve));

  /** The map of the directory `location`, whose parent exists. */
  constructor(library: RocksLibrary, location: string) {
    this.#library = library;
    this.#location = location;
  }

  /** The failure of this call, or of an earlier one. */
  fail(error: Error | null | undefined): DiskError | null {
    if (error !== null && error !== undefined) {
      const words = wordsOf(error);
      const code = isDamage(words) ? "DAMAGED" : "EIO";
      this.#failure ??= { code, message: `RocksDB in ${this.#location}: ${words}` };
    }
    return this.#failure;
  }

  open(done: (error: DiskError | null) => void): void {
    this.#isOpening = true;
    this.#library.open(this.#location, openFilesMax, (error, map) => {
      if (isShortage(error) && !this.#isClosed) {
        setTimeout(() => this.open(done), shortageRetryMs);
        return;
      }
      this.#isOpening = false;
      this.#map = map ?? null;
      if (this.#isClosed) this.close();
      done(this.fail(error));
    });
  }

  get(keys: readonly string[], done: (error: DiskError | null, values: readonly (Uint8Array | null)[]) => void): void {
    if (this.#waiting !== null) return void this.#waiting.push(() => this.get(keys, done));
    if (this.#map === null) return done(this.#failure ?? notOpen, []);
    this.#map.getMany(keys.map(stored), (error, values) => {
      // A read that could not open its file has changed nothing.
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
    if (this.#waiting !== null) return void this.#waiting.push(() => this.write(batch, sync, done));
    if (this.#map === null) return done(this.#failure ?? notOpen);
    const changes = batch.map(({ key, value }) =>
      value === null
        ? { type: "del" as const, key: stored(key) }
        : { type: "put" as const, key: stored(key), value: Buffer.from(value.buffer, value.byteOffset, value.length) },
    );
    this.#map.batch(changes, sync, (error) => {
      const isToTry = isShortage(error) && !this.#isClosed && this.#failure === null;
      if (!isToTry) return done(this.fail(error));
      if (this.#map !== null) this.#reopen(this.#map);
      this.write(batch, sync, done);
    });
  }

  /**
   * A write that could not open its file is not there, and RocksDB refuses every later one. Opened again it holds what it has
   * acknowledged, as after the end of a process. Calls wait meanwhile; a scan that is under way fails.
   */
  #reopen(map: RocksMap): void {
    if (this.#waiting !== null) return;
    const waiting: (() => void)[] = [];
    this.#waiting = waiting;
    const goOn = (): void => {
      this.#waiting = null;
      if (this.#isClosed) this.close();
      for (const call of waiting) call();
    };
    map.close(() => setTimeout(() => (this.#isClosed ? goOn() : this.open(goOn)), shortageRetryMs));
    this.#map = null;
  }

  scan(first: string, end: string): KvScan {
    if (this.#waiting !== null) return this.#scanLater(this.#waiting, first, end);
    if (this.#map === null) return { next: (_count, done) => done(this.#failure ?? notOpen, []), end: () => undefined };
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

  #scanLater(waiting: (() => void)[], first: string, end: string): KvScan {
    let scan: KvScan | null = null;
    waiting.push(() => (scan = this.scan(first, end)));
    return {
      next: (count, done) =>
        scan === null ? void waiting.push(() => scan!.next(count, done)) : scan.next(count, done),
      end: () => (scan === null ? void waiting.push(() => scan!.end()) : scan.end()),
    };
  }

  close(): void {
    this.#isClosed = true;
    if (this.#map !== null) this.#map.close(this.#onReleased);
    else if (!this.#isOpening && this.#waiting === null) this.#onReleased();
    this.#map = null;
  }
}
