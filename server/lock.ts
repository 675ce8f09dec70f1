/**
 * A directory belongs to one process. Two mechanisms, each of which ends with its process, whatever ends it, so that
 * nothing is concluded from process ids, which other containers and later boots use again:
 *
 * - the kernel's lock on the open file `lock` (fs-native-extensions: prebuilt, 80 KB a platform, Node 20 to 24). It holds
 *   between containers, and between machines where the file system forwards locks (NFS 4);
 * - a listening socket beside it (server/lock-socket.ts), which needs no package. It holds on one machine.
 *
 * A process takes every mechanism that it can, and at least one. So a process with the socket alone (the optional
 * package is missing, or not built for its platform) and a process with both exclude each other. Rejected: a process id
 * with its start time (process-id namespaces; two starters that both remove a stale file), and a time stamp that is
 * renewed (proper-lockfile: a process that is paused for longer loses its lock and does not know).
 *
 * The file names the holder, for people: process id, host name.
 */
import fs from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isLockSocket, LockSocket, type SocketLocking } from "./lock-socket.ts";

const lockName = "lock";
/** Behind the text, since Windows lets nobody read a locked range. */
const lockedAt = 4_096;
const tryAgainMs = 50;

/** Whether a file of the directory is the lock's, not the node's. */
export function isLockFile(name: string): boolean {
  return name === lockName || isLockSocket(name);
}

/** Another living process has the directory; said in one line. */
export class DirectoryInUse extends Error {
  override readonly name = "DirectoryInUse";
}

/** A directory that is locked. The process's end frees it too, but leaves the files behind. */
export type DirectoryLock = {
  /** Removes the lock's files. Synchronous: the last thing that a process does. */
  readonly release: () => void;
};

/** Locks a range of an open file in the kernel; false where another open file has it. Throws where that cannot be had. */
export type KernelLock = (fd: number, offset: number, lengthBytes: number) => boolean;

/** The optional package's, or null where it is missing or not built for this platform. */
export async function loadKernelLock(): Promise<KernelLock | null> {
  try {
    // Not by its name: Node guesses the names of a CommonJS module from its text. Without one nobody would hold the lock.
    return (await import("fs-native-extensions")).default.tryLock;
  } catch {
    return null;
  }
}

/**
 * Locks `directory`, which exists. Waits for `patienceMs`: the kernel may still be taking down a process that was killed a
 * moment ago. Throws DirectoryInUse, or what the file system says.
 */
export async function lockDirectory(
  directory: string,
  kernelLock: KernelLock | null,
  patienceMs: number,
): Promise<DirectoryLock> {
  for (let waitedMs = 0; ; waitedMs += tryAgainMs) {
    const lock = await tryLockDirectory(directory, kernelLock);
    if (lock !== null) return lock;
    if (waitedMs >= patienceMs) throw new DirectoryInUse(`${directory} is in use by ${holderOf(directory)}`);
    await new Promise((resolve) => setTimeout(resolve, tryAgainMs));
  }
}

async function tryLockDirectory(directory: string, kernelLock: KernelLock | null): Promise<DirectoryLock | null> {
  const path = join(directory, lockName);
  const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
  let socket: SocketLocking = "unavailable";
  let isOurs = false;
  const release = (): void => {
    if (socket instanceof LockSocket) socket.release();
    fs.closeSync(fd);
  };
  try {
    const kernel = tryKernelLock(fd, kernelLock);
    isOurs = kernel === "held";
    if (kernel !== "taken") socket = await LockSocket.take(directory);
    if (kernel === "unavailable" && socket === "unavailable") {
      isOurs = true;
      throw new Error("its file system has neither locks nor sockets (npm install fs-native-extensions brings locks)");
    }
    // A holder removes the file when it ends: then the lock on what was opened before protects nothing.
    if (kernel === "taken" || socket === "taken" || !isStillAt(path, fd)) {
      release();
      return null;
    }
    isOurs = true;
    fs.ftruncateSync(fd, 0);
    fs.writeSync(fd, `${process.pid} ${hostname()}\n`, 0);
  } catch (error) {
    if (isOurs) fs.rmSync(path, { force: true });
    release();
    throw error;
  }
  let released = false;
  return {
    release: () => {
      if (released) return;
      released = true;
      // First the name: who opens the file from now on makes a new one, and who has it open sees that it is gone.
      fs.rmSync(path, { force: true });
      release();
    },
  };
}

function tryKernelLock(fd: number, kernelLock: KernelLock | null): "held" | "taken" | "unavailable" {
  if (kernelLock === null) return "unavailable";
  try {
    return kernelLock(fd, lockedAt, 1) ? "held" : "taken";
  } catch {
    return "unavailable";
  }
}

function isStillAt(path: string, fd: number): boolean {
  const there = fs.statSync(path, { throwIfNoEntry: false, bigint: true });
  const here = fs.fstatSync(fd, { bigint: true });
  return there !== undefined && there.ino === here.ino && there.dev === here.dev;
}

/** In words, from the file: a process id means something on its own host only. */
function holderOf(directory: string): string {
  let text: string;
  try {
    text = fs.readFileSync(join(directory, lockName), "latin1");
  } catch {
    return "another process";
  }
  const [pid, host] = text.trim().split(" ");
  if (pid === undefined || !/^\d+$/.test(pid)) return "another process";
  return `process ${pid}${host === undefined || host === hostname() ? "" : ` of host ${host}`}`;
}
