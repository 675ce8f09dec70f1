/**
 * One directory of the machine as core's Disk. Writes go to the page cache at once; `sync` is fdatasync, in the thread
 * pool. Names of files that are not core's (the lock) are not shown.
 */
import fs from "node:fs";
import { join } from "node:path";
import type { Disk, DiskError, DiskFile } from "../core/ports.ts";
import { isShortage } from "./descriptors.ts";
import { isLockFile } from "./lock.ts";

function wording(error: unknown, what: string): DiskError {
  const { code, message } = error as NodeJS.ErrnoException;
  return { code: code ?? "EIO", message: `${what}: ${message}` };
}

class MachineFile implements DiskFile {
  readonly #fd: number;
  readonly #path: string;
  sizeBytes: number;

  constructor(fd: number, path: string, sizeBytes: number) {
    this.#fd = fd;
    this.#path = path;
    this.sizeBytes = sizeBytes;
  }

  read(offset: number, lengthBytes: number, done: (error: DiskError | null, bytes: Uint8Array) => void): void {
    const bytes = new Uint8Array(lengthBytes);
    const more = (filled: number): void => {
      if (filled === lengthBytes) return done(null, bytes);
      fs.read(this.#fd, bytes, filled, lengthBytes - filled, offset + filled, (error, count) => {
        if (error !== null) return done(wording(error, `read of ${this.#path}`), bytes.subarray(0, filled));
        if (count === 0) return done({ code: "SHORT", message: `${this.#path} ends early` }, bytes.subarray(0, filled));
        more(filled + count);
      });
    };
    more(0);
  }

  write(offset: number, bytes: Uint8Array): DiskError | null {
    try {
      let written = 0;
      while (written < bytes.length) {
        written += fs.writeSync(this.#fd, bytes, written, bytes.length - written, offset + written);
      }
    } catch (error) {
      return wording(error, `write to ${this.#path}`);
    }
    this.sizeBytes = Math.max(this.sizeBytes, offset + bytes.length);
    return null;
  }

  sync(done: (error: DiskError | null) => void): void {
    fs.fdatasync(this.#fd, (error) => done(error === null ? null : wording(error, `sync of ${this.#path}`)));
  }

  truncate(sizeBytes: number, done: (error: DiskError | null) => void): void {
    this.sizeBytes = Math.min(this.sizeBytes, sizeBytes);
    fs.ftruncate(this.#fd, sizeBytes, (error) => done(error === null ? null : wording(error, `cut of ${this.#path}`)));
  }

  close(): void {
    // A sync may still be under way on another thread; the descriptor goes when the event loop is past it.
    fs.close(this.#fd, () => undefined);
  }
}

function ending(done: (error: DiskError | null) => void, what: string): (error: NodeJS.ErrnoException | null) => void {
  return (error) => done(error === null ? null : wording(error, what));
}

const shortageRetryMs = 100;

/** Opens `path` as soon as there is a descriptor for it: to have none is no fault of the disk. */
function openWhenFree(
  path: string,
  flags: number,
  onShortage: () => void,
  done: (error: NodeJS.ErrnoException | null, fd: number) => void,
): void {
  fs.open(path, flags, 0o600, (error, fd) => {
    if (error === null || !isShortage(error)) return done(error, fd);
    onShortage();
    setTimeout(() => openWhenFree(path, flags, onShortage, done), shortageRetryMs);
  });
}

function listWhenFree(
  directory: string,
  onShortage: () => void,
  done: (error: NodeJS.ErrnoException | null, names: string[]) => void,
): void {
  fs.readdir(directory, (error, names) => {
    if (error === null || !isShortage(error)) return done(error, names);
    onShortage();
    setTimeout(() => listWhenFree(directory, onShortage, done), shortageRetryMs);
  });
}

/**
 * `directory` exists and is locked by this process. `onShortage` is called whenever a file cannot be opened for want of
 * a descriptor; the call waits for one, and completes later.
 */
export function machineDisk(directory: string, onShortage: () => void = () => undefined): Disk {
  return {
    list: (done) => {
      listWhenFree(directory, onShortage, (error, names) => {
        if (error !== null) return done(wording(error, directory), []);
        done(
          null,
          names.filter((name) => !isLockFile(name)),
        );
      });
    },
    open: (name, create, done) => {
      const path = join(directory, name);
      const flags = fs.constants.O_RDWR | (create ? fs.constants.O_CREAT : 0);
      openWhenFree(path, flags, onShortage, (error, fd) => {
        if (error !== null) return done(wording(error, path), null);
        fs.fstat(fd, (failure, stat) => {
          if (failure !== null) return done(wording(failure, path), null);
          done(null, new MachineFile(fd, path, stat.size));
        });
      });
    },
    rename: (from, to, done) => fs.rename(join(directory, from), join(directory, to), ending(done, from)),
    remove: (name, done) => fs.unlink(join(directory, name), ending(done, name)),
    syncDirectory: (done) => {
      openWhenFree(directory, fs.constants.O_RDONLY, onShortage, (error, fd) => {
        if (error !== null) return done(wording(error, directory));
        fs.fsync(fd, (failure) => {
          fs.close(fd, () => done(failure === null ? null : wording(failure, directory)));
        });
      });
    },
  };
}
