/** Where a node's directories are, by its engine. */
import { accessSync, closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ServerOptions } from "./options.ts";

/** Directories from the working directory on, or absolute, as --data-dir is. None need exist. */
export type Places = {
  /** Of identity, lock and log. */
  readonly log: string;
  readonly snapshots: string;
  /** RocksDB's, or null. */
  readonly rows: string | null;
};

/** Only the names: nothing is touched. */
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

/** Whether a node was started at these places before. */
export function hasIdentity({ log }: Places): boolean {
  return existsSync(join(log, "identity"));
}

/**
 * Makes `directory` where it is missing, durably; its parent exists. Throws what the file system says, also where no file
 * can be made in it. Not with the `recursive` of node:fs, which never returns where a parent exists and takes no directory.
 */
export function makeDirectory(directory: string): void {
  if (!isDirectory(directory)) {
    mkdirSync(directory, { mode: 0o700 });
    const parent = openSync(dirname(directory), "r");
    fsyncSync(parent);
    closeSync(parent);
  }
  accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
}

/** Whether a directory is there; links are followed. */
export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
