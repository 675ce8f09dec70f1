/**
 * Rows in memory. The point index is 1,024 Maps chosen by hash: one Map that grows past a million keys stops the world
 * for more than 100 ms, and one of 16.7 million throws. Their order is a B+ tree, whose clone costs nothing until nodes
 * change: that is how a snapshot is held fast while writes go on.
 */
import sortedBTree from "sorted-btree";
import { assert } from "../assert.ts";
import type { Row, RowChanges } from "../kv/machine.ts";
import { type Session, type SessionLimits, Sessions } from "../kv/sessions.ts";
import { StateHash } from "../kv/state-hash.ts";
import type { DiskError } from "../ports.ts";
import type { LogPosition } from "../protocol/entry.ts";
import type { StoreId } from "../units.ts";
import type { SnapshotView, StateInstaller, StateStore } from "./state-store.ts";

const { default: BTree } = sortedBTree;
type Tree = InstanceType<typeof BTree<string, Row>>;

const shards = 1024;

function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & (shards - 1);
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Rows and their hash, without a place in the log. */
class Rows {
  // A Map is made when its first key comes: a small store stays small.
  readonly #maps: (Map<string, Row> | undefined)[] = [];
  readonly tree: Tree = new BTree<string, Row>(undefined, compareKeys);
  readonly hash = new StateHash();

  get(key: string): Row | null {
    return this.#maps[shardOf(key)]?.get(key) ?? null;
  }

  put(key: string, row: Row | null): void {
    const shard = shardOf(key);
    const map = (this.#maps[shard] ??= new Map<string, Row>());
    const before = map.get(key);
    if (before !== undefined) this.hash.removeRow(key, before);
    if (row === null) {
      map.delete(key);
      const wasInTree = this.tree.delete(key);
      assert(wasInTree === (before !== undefined), "maps and tree hold the same keys");
      return;
    }
    this.hash.addRow(key, row);
    map.set(key, row);
    const isNewInTree = this.tree.set(key, row);
    assert(isNewInTree === (before === undefined), "maps and tree hold the same keys");
  }
}

/** The state store that forgets everything at its end: snapshot and log bring it back. */
export class MemoryState implements StateStore {
  readonly #limits: SessionLimits;
  #rows = new Rows();
  #sessions: Sessions;
  /** What the hash counts in for each session. */
  #hashed = new Map<number, Session>();
  #applied: LogPosition = { index: 0, term: 0, clusterMicros: 0 };
  readonly durableIndex = 0;
  readonly isPersistent = false;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
    this.#sessions = new Sessions(limits);
  }

  open(_storeId: StoreId, _drops: (owner: StoreId) => boolean, done: (failure: null) => void): void {
    done(null);
  }

  sync(done: (error: DiskError | null) => void): void {
    done(null);
  }

  get applied(): LogPosition {
    return this.#applied;
  }

  get sessions(): Sessions {
    return this.#sessions;
  }

  get rowCount(): number {
    return this.#rows.tree.size;
  }

  get hash(): StateHash {
    return this.#rows.hash;
  }

  read(keys: readonly string[], done: (error: DiskError | null, rows: readonly (Row | null)[]) => void): void {
    done(
      null,
      keys.map((key) => this.#rows.get(key)),
    );
  }

  write({ rows, sessions }: RowChanges, applied: LogPosition, done: (error: DiskError | null) => void): void {
    assert(applied.index > this.#applied.index, "the applied index rises");
    // The order of keys does not matter: each is written once, and the hash is order-free.
    for (const [key, row] of rows) this.#rows.put(key, row);
    for (const [id, session] of sessions) this.#hashSession(id, session);
    const { index, term, clusterMicros } = applied;
    this.#applied = { index, term, clusterMicros };
    done(null);
  }

  #hashSession(id: number, session: Session | null): void {
    assert(session === null || session.id === id, "a session is kept under its own id");
    const before = this.#hashed.get(id);
    if (before !== undefined) this.hash.removeSession(before);
    if (session === null) {
      this.#hashed.delete(id);
      return;
    }
    this.hash.addSession(session);
    this.#hashed.set(id, session);
  }

  freeze(done: (error: DiskError | null, frozen: SnapshotView) => void): void {
    const tree: Tree = this.#rows.tree.clone();
    let after: string | undefined;
    done(null, {
      place: this.#applied,
      rowCount: tree.size,
      sessions: this.#sessions.all(),
      rows: (count, take) => {
        const rows: [string, Row][] = [];
        while (rows.length < count) {
          const pair = after === undefined ? firstPair(tree) : tree.nextHigherPair(after);
          if (pair === undefined) break;
          rows.push(pair);
          after = pair[0];
        }
        take(null, rows);
      },
      release: () => undefined,
    });
  }

  beginInstall(): StateInstaller {
    const rows = new Rows();
    return {
      put: (pairs, done) => {
        for (const [key, row] of pairs) rows.put(key, row);
        done(null);
      },
      commit: (sessions, place, done) => {
        assert(place.index > this.#applied.index, "a snapshot leads forward");
        this.#rows = rows;
        this.#sessions = new Sessions(this.#limits);
        this.#hashed = new Map();
        for (const session of sessions) {
          this.#sessions.restore(session);
          this.#hashSession(session.id, session);
        }
        this.#applied = place;
        done(null);
      },
      abort: () => undefined,
    };
  }

  close(): void {
    // Nothing is held.
  }
}

function firstPair(tree: Tree): [string, Row] | undefined {
  const key = tree.minKey();
  return key === undefined ? undefined : [key, tree.get(key)!];
}
