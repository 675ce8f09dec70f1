/**
 * A directory belongs to one process. The lock names its process and when that process was started, so that a lock left
 * by a kill -9, or by a process id that has come round again, is seen to be stale.
 */
import fs from "node:fs";
import { join } from "node:path";

export const lockName = "lock";

/** When the process was started, in the kernel's ticks; empty where the system does not tell. */
function startOf(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Takes the lock, or returns the id of the living process that has it. The directory is made if it is not there. */
export function lockDirectory(directory: string): number | null {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, lockName);
  try {
    const [pidText, start] = fs.readFileSync(path, "utf8").split(" ");
    const pid = Number(pidText);
    if (Number.isSafeInteger(pid) && pid > 0 && isAlive(pid) && startOf(pid) === start) return pid;
    fs.unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  try {
    fs.writeFileSync(path, `${process.pid} ${startOf(process.pid)}`, { flag: "wx" });
  } catch (error) {
    // Another process has taken it between our look and our hand.
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return Number(fs.readFileSync(path, "utf8").split(" ")[0]);
    throw error;
  }
  return null;
}

export function unlockDirectory(directory: string): void {
  fs.rmSync(join(directory, lockName), { force: true });
}
