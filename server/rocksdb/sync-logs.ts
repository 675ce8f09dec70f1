import { close, fdatasync, open, readdir } from "node:fs";
import { join } from "node:path";

/**
 * Syncs the bytes of RocksDB's logs in `location` that the system holds at the call, off this thread. It promises no
 * durability: the sync that follows does, and finds little left to do. A log that is gone by then is no error.
 */
export function syncLogs(location: string, done: (error: Error | null) => void): void {
  readdir(location, (error, names) => {
    if (error !== null) return done(error);
    syncEach(
      names.filter((name) => name.endsWith(".log")).map((name) => join(location, name)),
      done,
    );
  });
}

function syncEach([path, ...rest]: readonly string[], done: (error: Error | null) => void): void {
  if (path === undefined) return done(null);
  open(path, "r", (error, file) => {
    if (error !== null) return error.code === "ENOENT" ? syncEach(rest, done) : done(error);
    fdatasync(file, (failure) => {
      close(file, () => (failure === null ? syncEach(rest, done) : done(failure)));
    });
  });
}
