/** Where a node's directories are, by its engine. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileTypeProblem } from "./file-types.ts";
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

/** Why the node cannot start in its data directory, in one line, or null. Nothing is made. */
export function placeProblem(options: ServerOptions): string | null {
  const { dataDir, rocksdb } = options;
  const data = join(dataDir, "data");
  const problem =
    directoryProblem(dataDir, `the data directory ${dataDir}`, "") ??
    (rocksdb ? directoryProblem(data, `--rocksdb keeps its files in ${data}, which`, ": make it first") : null);
  if (problem !== null) return problem;
  return fileTypeProblem(placesOf(options)) ?? otherEngineProblem(options);
}

function directoryProblem(path: string, words: string, advice: string): string | null {
  try {
    return statSync(path).isDirectory() ? null : `${words} is not a directory`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? `${words} does not exist${advice}` : `${words} cannot be used: ${message}`;
  }
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

/**
 * The other engine's data of this node mean that --rocksdb was given, or left out, by mistake: without them the node
 * would begin with an empty store.
 */
function otherEngineProblem(options: ServerOptions): string | null {
  const { id, rocksdb } = options;
  const other = placesOf({ ...options, rocksdb: !rocksdb });
  const found = other.rows ?? other.log;
  if (!holdsData(other)) return null;
  const [engine, advice] = rocksdb ? ["memory", "without --rocksdb"] : ["RocksDB", "with --rocksdb"];
  return `${found} holds the data of node ${id} in the ${engine} engine: start it ${advice}, or move that directory away`;
}

function holdsData({ log, rows }: Places): boolean {
  return (
    namesIn(log).some((name) => name === "identity" || name.startsWith("wal-")) ||
    (rows !== null && existsSync(join(rows, "CURRENT")))
  );
}

function namesIn(directory: string): readonly string[] {
  return isDirectory(directory) ? readdirSync(directory) : [];
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
