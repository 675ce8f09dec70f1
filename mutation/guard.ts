/**
 * Runs as a process of its own, with a directory as its argument. Lines on stdin say which process groups have begun
 * and ended. When stdin ends, the process that wrote it is gone, by itself or by force: the guard kills the groups that
 * are left and removes the directory.
 */
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";

const directory = process.argv[2]!;
const running = new Set<number>();

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [word, pid] = line.split(" ");
    if (word === "begun") running.add(Number(pid));
    else running.delete(Number(pid));
  })
  .on("close", () => {
    for (const pid of running) {
      try {
        process.kill(-pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
    // What was just ended may still write for a moment.
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  });
