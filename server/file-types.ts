/**
 * What has a name of a node's own and is not what the node keeps under it: a directory where a file is to be, a file where
 * a directory is to be, a link that leads nowhere. Said before anything is locked or made; opened, some would look like a
 * failed disk, and a named pipe would never answer.
 */
import { lstatSync, readdirSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { snapshotPlace } from "../core/storage/snapshot-store.ts";
import { segmentNumber } from "../core/storage/wal-record.ts";
import { isLockSocket } from "./lock-socket.ts";
import { isLockFile } from "./lock.ts";
import type { Places } from "./places.ts";

/** The first that is found, in one line, or null. Of what cannot be looked at, nothing is said here. */
export function fileTypeProblem({ log, snapshots, rows }: Places): string | null {
  for (const path of [rows ?? log, log, snapshots]) {
    const type = typeOf(path);
    if (type !== null && type !== "a directory") return wrong(path, type, "a directory");
  }
  const inRows = rows === null ? null : wrongFileIn(rows, isRocksDbFile);
  return inRows ?? wrongFileIn(log, isLogFile) ?? wrongFileIn(snapshots, isSnapshotFile);
}

function isLogFile(name: string): boolean {
  return name === "identity" || name === "identity.new" || segmentNumber(name) !== null || isLockFile(name);
}

function isSnapshotFile(name: string): boolean {
  return snapshotPlace(name) !== null || name.endsWith(".part");
}

/** What RocksDB reads or writes when it opens; it waits for ever for a named pipe. */
function isRocksDbFile(name: string): boolean {
  return /^(CURRENT|IDENTITY|LOCK|LOG|LOG\.old\..*|(MANIFEST|OPTIONS)-\d+|\d+\.(log|sst|ldb|dbtmp))$/.test(name);
}

function wrongFileIn(directory: string, isOurs: (name: string) => boolean): string | null {
  for (const name of namesIn(directory).filter(isOurs)) {
    const path = join(directory, name);
    const type = typeOf(path);
    const isFine = type === null || type === "a file" || (type === "a socket" && isLockSocket(name));
    if (!isFine) return wrong(path, type, "a file");
  }
  return null;
}

function wrong(path: string, type: string, expected: string): string {
  return `${path} is ${type}, and the node keeps ${expected} there: move it away`;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch {
    return [];
  }
}

/** In words; null: there is nothing, or it cannot be looked at. */
function typeOf(path: string): string | null {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return null;
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? "a link that leads nowhere" : wordsFor(stats);
  } catch {
    return null;
  }
}

function wordsFor(stats: Stats): string {
  if (stats.isFile()) return "a file";
  if (stats.isDirectory()) return "a directory";
  if (stats.isSocket()) return "a socket";
  return stats.isFIFO() ? "a named pipe" : "a device";
}
