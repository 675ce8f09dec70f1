/** The part of level-rocksdb 5 that is used here. Keys and values are Buffers: both encodings are "binary". */
declare module "level-rocksdb" {
  type Done<T extends unknown[]> = (error: Error | null | undefined, ...results: T) => void;
  type Operation = { type: "put"; key: Buffer; value: Buffer } | { type: "del"; key: Buffer };

  export interface LevelIterator {
    /** Without a key at the end. */
    next(done: Done<[key?: Buffer, value?: Buffer]>): void;
    end(done: Done<[]>): void;
  }

  export interface Level {
    getMany(keys: Buffer[], done: Done<[values: (Buffer | undefined)[]]>): void;
    batch(operations: Operation[], options: { sync: boolean }, done: Done<[]>): void;
    iterator(range: { gte: Buffer; lt: Buffer }): LevelIterator;
    close(done: Done<[]>): void;
  }

  type Open = (
    location: string,
    options: { keyEncoding: "binary"; valueEncoding: "binary"; maxOpenFiles: number },
    done: Done<[level: Level]>,
  ) => void;
  const open: Open;
  export default open;
}

/** The part of @nxtedition/rocksdb 12 that is used here: an abstract-level 1. Keys and values are Buffers. */
declare module "@nxtedition/rocksdb" {
  type Done<T extends unknown[]> = (error: Error | null | undefined, ...results: T) => void;
  type Operation = { type: "put"; key: Buffer; value: Buffer } | { type: "del"; key: Buffer };

  export interface RocksIterator {
    /** At most `count` pairs, read on another thread; none at the end. */
    nextv(count: number, done: Done<[pairs: [key: Buffer, value: Buffer][]]>): void;
    close(done: Done<[]>): void;
  }

  class RocksLevel {
    constructor(location: string, options: { keyEncoding: "buffer"; valueEncoding: "buffer" });
    open(options: { walCompression: boolean }, done: Done<[]>): void;
    /** Null: RocksDB has given up before this key. */
    getMany(keys: Buffer[], done: Done<[values: (Buffer | undefined | null)[]]>): void;
    /** Writes, and syncs, on the calling thread. */
    batch(operations: Operation[], options: { sync: boolean }, done: Done<[]>): void;
    iterator(range: { gte: Buffer; lt: Buffer }): RocksIterator;
    close(done: Done<[]>): void;
  }
  const library: { readonly RocksLevel: typeof RocksLevel };
  export default library;
}
