/** Where a node's directories are, by its engine. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ServerOptions } from "./options.ts";

export type Places = {
  /** Of identity, lock and log. */
  readonly log: string;
  readonly snapshots: string;
  /** RocksDB's, or null. */
  readonly rows: string | null;
};

export function placesOf({ dataDir, id, rocksdb }: ServerOptions): Places {
  if (!rocksdb) {
    const log = join(dataDir, `metaStore-${id}`);
    return { log, snapshots: `${log}-snap`, rows: null };
  }
  const rows = join(dataDir, "data", String(id));
  return { log: join(rows, "wal"), snapshots: join(rows, "snap"), rows };
}

/** All of a node's directories, as an operator would delete or copy them. */
export function placesInWords(options: ServerOptions): string {
  const { log, snapshots, rows } = placesOf(options);
  return rows ?? `${log} and ${snapshots}`;
}

/** What must be there before anything is made, or in words what is missing. */
export function missingPlace({ dataDir, rocksdb }: ServerOptions): string | null {
  if (!existsSync(dataDir)) return `the data directory ${dataDir} does not exist`;
  const data = join(dataDir, "data");
  return rocksdb && !existsSync(data)
    ? `--rocksdb keeps its files in ${data}, which does not exist: make it first`
    : null;
}
