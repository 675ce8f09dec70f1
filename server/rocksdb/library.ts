/** What the packages that bind RocksDB have in common. Keys and values are Buffers, errors are JavaScript's. */
export type Failed = Error | null | undefined;
/** A part of a batch, in the form that the packages take. */
export type RocksChange = { type: "put"; key: Buffer; value: Buffer } | { type: "del"; key: Buffer };
/** A row as the packages give it. */
export type RocksPair = readonly [key: Buffer, value: Buffer];

/** One of the packages that bind RocksDB; each has a file beside this one. */
export interface RocksLibrary {
  /** The name of its package. */
  readonly name: string;
  /** Opens the map in `location`, which is made if it is absent; its parent exists. Keeps at most `openFilesMax` files open, where it can. */
  open(location: string, openFilesMax: number, done: (error: Failed, map?: RocksMap) => void): void;
}

/** An open map. Calls may be in flight together; their order is not promised. */
export interface RocksMap {
  getMany(keys: Buffer[], done: (error: Failed, values: readonly (Buffer | undefined)[]) => void): void;
  batch(changes: RocksChange[], sync: boolean, done: (error: Failed) => void): void;
  /** The pairs from `first` on and before `end`, as they are when it returns. */
  scan(first: Buffer, end: Buffer): RocksScan;
  /** Waits for what is in flight; what is called later gets an error. */
  close(done: (error: Failed) => void): void;
}

/** A cursor that must be ended, or it holds its snapshot in RocksDB. */
export interface RocksScan {
  /** The next `count` pairs; fewer only at the end. One call at a time. */
  next(count: number, done: (error: Failed, pairs: readonly RocksPair[]) => void): void;
  end(): void;
}
