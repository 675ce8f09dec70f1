/**
 * Every door to the outside, on one page. `server/` and `sim/world/` implement these interfaces under the same file
 * names; nothing else in core reaches the machine. Completions are callbacks, never promises: the order in which they
 * come belongs to the scheduler alone. A completion may be called before the method that takes it has returned.
 */
import type { Envelope } from "./protocol/message.ts";
import type { Micros, NodeId } from "./units.ts";

/** The node's only time. No wall clock decides anything in core. */
export interface Clock {
  /** Monotonic microseconds since an arbitrary start of this process life. May run at another rate than a peer's. */
  now(): Micros;
  /** A timer that calls `fire`, in a turn of its own, once for each `set` that is not replaced or cleared before. */
  timer(fire: () => void): Timer;
  /** Calls `run` once when the current turn has taken all its inputs: everything a turn produces leaves in one flush. */
  endOfTurn(run: () => void): void;
}

/** Holds one deadline at a time. A timer that is neither set nor due costs nothing. */
export interface Timer {
  /** Fires at or after `at` (clock microseconds); replaces an earlier deadline. */
  set(at: Micros): void;
  clear(): void;
}

/** A stable code, and words for the operator. "DAMAGED": the rows are there, and cannot be what was written. */
export type DiskError = { readonly code: string; readonly message: string };

/** One directory of the node. Names are plain file names. An error of any call but `open` of a missing file is final. */
export interface Disk {
  /** The names of all files, in no particular order. */
  list(done: (error: DiskError | null, names: readonly string[]) => void): void;
  /** Opens `name`. With `create` an absent file is created empty; its name survives only after `syncDirectory`. */
  open(name: string, create: boolean, done: (error: DiskError | null, file: DiskFile | null) => void): void;
  /** Replaces `to` by `from`, atomically; survives only after `syncDirectory`. */
  rename(from: string, to: string, done: (error: DiskError | null) => void): void;
  remove(name: string, done: (error: DiskError | null) => void): void;
  /** When it completes, every create, rename and remove before the call survives a power cut. */
  syncDirectory(done: (error: DiskError | null) => void): void;
}

/** An open file. Offsets and sizes are in bytes; only what is synced survives a power cut. */
export interface DiskFile {
  /** Bytes in the file now, un-synced ones included. */
  readonly sizeBytes: number;
  /** Reads exactly `lengthBytes` from `offset`; fewer is an error with code "SHORT". The bytes belong to the caller. */
  read(offset: number, lengthBytes: number, done: (error: DiskError | null, bytes: Uint8Array) => void): void;
  /** The bytes are in the page cache when it returns null, and copied: any part of them may be lost until `sync`. */
  write(offset: number, bytes: Uint8Array): DiskError | null;
  /** When it completes without an error, all writes before the call survive a power cut. After an error the file is dead. */
  sync(done: (error: DiskError | null) => void): void;
  /** Cuts the file; survives only after `sync`. */
  truncate(sizeBytes: number, done: (error: DiskError | null) => void): void;
  close(): void;
}

/**
 * An ordered map of one-byte strings to bytes, like RocksDB. Batches are atomic; two in flight take effect in either
 * order. A power cut leaves a prefix of the batches in the order of their effect, at least up to the last synced batch.
 * After any error nothing later can be trusted: the store is dead.
 */
export interface OrderedKv {
  open(done: (error: DiskError | null) => void): void;
  /** The values of `keys`, in their order, as of the moment when it executes; null for an absent one. */
  get(keys: readonly string[], done: (error: DiskError | null, values: readonly (Uint8Array | null)[]) => void): void;
  /** Takes all of `batch` as one. With `sync` it survives a power cut when it completes, and so do all before it. */
  write(batch: readonly KvChange[], sync: boolean, done: (error: DiskError | null) => void): void;
  /** The pairs from `first` on and before `end`, in order of their keys, as they are in this very moment. */
  scan(first: string, end: string): KvScan;
  close(): void;
}

/** A null value removes the key. */
export type KvChange = { readonly key: string; readonly value: Uint8Array | null };

/** A cursor over an ordered map. It sees the map as it was when the scan began, whatever is written meanwhile. */
export interface KvScan {
  /** The next `count` pairs; fewer only at the end. One call at a time. */
  next(count: number, done: (error: DiskError | null, pairs: readonly (readonly [string, Uint8Array])[]) => void): void;
  /** Lets go of what is held; no call comes after it. */
  end(): void;
}

/** The way to the other members. The streams, their handshakes and their retries are the host's. */
export interface Network {
  /**
   * Never blocks and never fails: the message may be lost, late, doubled or out of order. `envelope` is frozen by use.
   * False: it certainly never left this node, as there is no stream to that peer or no room on it. True promises nothing.
   */
  send(to: NodeId, envelope: Envelope): boolean;
  /** False: a message sent to that peer now is surely lost. True promises nothing. */
  connected(to: NodeId): boolean;
  /**
   * Where to reach each peer, this node excluded; replaces what was said before. The first URL is tried first, the next
   * one only where those before it cannot be reached or are answered by another node.
   */
  setPeers(urls: ReadonlyMap<NodeId, readonly string[]>): void;
  /** Ends all streams, or those with `peer`, both ways: each begins again with a handshake. */
  restart(peer: NodeId | null): void;
  /** Ends this node's own stream to `peer`, if there is one, and dials the first URL now: the node that answers there says so again. */
  redial(peer: NodeId): void;
}

/** The only source of chance in core. In a replay the same site and occasion give the same number. */
export interface Random {
  /**
   * An integer in [0, bound), bound <= 2^32. `site` and `occasion` name the decision, so that a simulated world can
   * answer by hash: adding a draw elsewhere shifts nothing.
   */
  draw(site: RandomSite, occasion: number, bound: number): number;
}

/** Every place in core that draws. A simulated world answers by site, so a name once given stays. */
export type RandomSite = "election-jitter" | "store-id" | "boot-nonce";

/** What the node reports of itself. Observers only: nothing in core reads it back. */
export interface Trace {
  fact(fact: Fact, a: number, b: number, c: number): void;
  /** A line for the operator, already worded. */
  note(level: "info" | "warn", text: string): void;
}

/** Facts and what a, b, c mean. */
export type Fact =
  | "recovered" // last index, term, vote: what the disk has given back, before anything is done with it
  | "role" // role code (0 follower, 1 pre-candidate, 2 candidate, 3 leader), term, leader id known now
  | "commit" // new commit index, its term, -
  | "applied" // index, its term, digest of the state
  | "installed" // a snapshot is the state now: index, its term, digest of the state
  | "read-index"; // read index granted, applied index, -
