/** Files that are whole or not there, and one line where they cannot be written. */
import { existsSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";

/**
 * Writes `text` aside and renames it: when it returns, `path` holds all of it; when it throws, or the process is killed, what it
 * held before. Its folder must be there. What is no plain file (a device, a pipe) is written to as it is.
 */
export function writeWhole(path: string, text: string): void {
  const isThere = existsSync(path);
  if (isThere && !statSync(path).isFile()) return writeFileSync(path, text);
  const target = isThere ? realpathSync(path) : path;
  const aside = `${target}.partial`;
  try {
    writeFileSync(aside, text, { flush: true });
    renameSync(aside, target);
  } catch (error) {
    try {
      rmSync(aside, { force: true });
    } catch {
      // The first trouble is the one to be told.
    }
    throw error;
  }
}

/** Null, or why `write` could not be: the operating system's words, in a line. Other errors are thrown. */
export function troubleOf(write: () => void): string | null {
  try {
    write();
    return null;
  } catch (error) {
    if (error instanceof Error && "code" in error && "syscall" in error) return error.message;
    throw error;
  }
}

/** Whether `path` holds something else than `text`. */
export function holdsOther(path: string, text: string): boolean {
  return existsSync(path) && readFileSync(path, "utf8") !== text;
}
