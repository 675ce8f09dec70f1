/** Why a node cannot start where it is told to keep its data. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileTypeProblem } from "./file-types.ts";
import type { ServerOptions } from "./options.ts";
import { isDirectory, type Places, placesOf } from "./places.ts";

/** Why the node cannot start in its data directory, in one line, or null. Nothing is made. */
export function placeProblem(options: ServerOptions): string | null {
  const { dataDir, rocksdb, names } = options;
  const data = join(dataDir, "data");
  const source = names["data-dir"].startsWith("--") ? "" : `${names["data-dir"]}: `;
  const problem =
    directoryProblem(dataDir, `${source}the data directory ${dataDir}`, "") ??
    (rocksdb ? directoryProblem(data, `--rocksdb keeps its files in ${data}, which`, ": make it first") : null);
  if (problem !== null) return problem;
  return fileTypeProblem(placesOf(options)) ?? otherEngineProblem(options);
}

/** What to do where the file system does not let the process in, as the end of a line; else nothing. */
export function accessAdvice(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const who =
    process.geteuid === undefined ? "the user that runs the node" : `user ${process.geteuid()}, who runs the node,`;
  if (code === "EROFS") return ": mount it so that it can be written";
  return code === "EACCES" || code === "EPERM" ? `: let ${who} read, write and enter it (chown or chmod)` : "";
}

function directoryProblem(path: string, words: string, advice: string): string | null {
  try {
    return statSync(path).isDirectory() ? null : `${words} is not a directory`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT"
      ? `${words} does not exist${advice}`
      : `${words} cannot be used: ${message}${accessAdvice(error)}`;
  }
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
