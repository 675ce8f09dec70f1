/** What Linux tells of a process: its descriptors, its memory, and which of several processes owns a connection. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

function orElse<T>(read: () => T, fallback: T): T {
  try {
    return read();
  } catch {
    // The process is gone.
    return fallback;
  }
}

/** Open descriptors; 0 where the process is gone. */
export function descriptorsOf(pid: number): number {
  return orElse(() => readdirSync(`/proc/${pid}/fd`).length, 0);
}

/** Resident memory in bytes; 0 where the process is gone. */
export function residentBytesOf(pid: number): number {
  const status = orElse(() => readFileSync(`/proc/${pid}/status`, "utf8"), "");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

const closeWait = "08";

/** Connections of the process whose other end has ended, and which it has not ended itself. */
export function halfEndedOf(pid: number): number {
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map((file) => orElse(() => readFileSync(file, "utf8"), ""));
  const fields = tables.flatMap((table) => table.split("\n")).map((line) => line.trim().split(/\s+/));
  const inodes = new Set(fields.filter((one) => one[3] === closeWait).map((one) => `socket:[${one[9]}]`));
  if (inodes.size === 0) return 0;
  const descriptors = orElse(() => readdirSync(`/proc/${pid}/fd`), []);
  return descriptors.filter((fd) => inodes.has(orElse(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ""))).length;
}

/** An end of a connection on 127.0.0.1, as the kernel lists it. */
function endOf(port: number): string {
  return `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

const established = "01";

/** The socket's inode of a connection from `port` to `toPort` on 127.0.0.1, as its dialler has it; null: there is none any more. */
function inodeOf(port: number, toPort: number): string | null {
  // Thousands of lines, most of connections that are over: only the line of this connection is parsed.
  const table = orElse(() => readFileSync("/proc/net/tcp", "latin1"), "");
  const at = table.indexOf(` ${endOf(port)} ${endOf(toPort)} ${established} `);
  if (at < 0) return null;
  return table.slice(at, table.indexOf("\n", at)).trim().split(/\s+/)[8] ?? null;
}

/** Which of `processes` (pid to its id) has the connection from `port` to `toPort`; 0: none of them; null: it is over. */
export function ownerOf(port: number, toPort: number, processes: ReadonlyMap<number, number>): number | null {
  const inode = inodeOf(port, toPort);
  if (inode === null) return null;
  const wanted = `socket:[${inode}]`;
  for (const [pid, id] of processes) {
    // A connection that has just been made has one of the highest numbers.
    for (const fd of orElse(() => readdirSync(`/proc/${pid}/fd`), []).toReversed()) {
      if (orElse(() => readlinkSync(`/proc/${pid}/fd/${fd}`), "") === wanted) return id;
    }
  }
  return 0;
}
