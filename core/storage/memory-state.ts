/**
 * Rows in memory. The point index is 1,024 Maps chosen by hash: one Map that grows past a million keys stops the world
 * for more than 100 ms, and one of 16.7 million throws.
 */
import { assert } from "../assert.ts";
import type { Row } from "../kv/machine.ts";
import { StateHash } from "../kv/state-hash.ts";
import type { DiskError } from "../ports.ts";
import type { Index, Term } from "../units.ts";
import type { StateStore } from "./state-store.ts";

const shards = 1024;

function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & (shards - 1);
}

export class MemoryState implements StateStore {
  // A Map is made when its first key comes: a small store stays small.
  readonly #maps: (Map<string, Row> | undefined)[] = Array.from({ length: shards });
  readonly hash = new StateHash();
  #appliedIndex: Index = 0;
  #rowCount = 0;

  get appliedIndex(): Index {
    return this.#appliedIndex;
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  read(keys: readonly string[], done: (error: DiskError | null, rows: readonly (Row | null)[]) => void): void {
    done(
      null,
      keys.map((key) => this.#maps[shardOf(key)]?.get(key) ?? null),
    );
  }

  write(
    writes: ReadonlyMap<string, Row | null>,
    appliedIndex: Index,
    _appliedTerm: Term,
    done: (error: DiskError | null) => void,
  ): void {
    assert(appliedIndex > this.#appliedIndex, "the applied index rises");
    // The order of keys does not matter: each is written once, and the hash is order-free.
    for (const [key, row] of writes) this.#put(key, row);
    this.#appliedIndex = appliedIndex;
    done(null);
  }

  #put(key: string, row: Row | null): void {
    const shard = shardOf(key);
    const map = (this.#maps[shard] ??= new Map<string, Row>());
    const before = map.get(key);
    if (before !== undefined) this.hash.remove(key, before);
    this.#rowCount += (row === null ? 0 : 1) - (before === undefined ? 0 : 1);
    if (row === null) {
      map.delete(key);
      return;
    }
    this.hash.add(key, row);
    map.set(key, row);
  }
}
