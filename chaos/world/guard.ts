/**
 * Cleans up after a run however it ends, also by kill -9: a shell whose input is the list of the processes that run. Its
 * input ends when this process does; then it kills those of the last line, waits until they are gone, since what they hold
 * open can be neither unmounted nor removed, and unmounts and removes the run's directory.
 */
import { type ChildProcess, spawn } from "node:child_process";

/** In all at most ten seconds: a process that nobody waits for, a zombie, holds nothing. */
const waitTenths = 100;

const script = `
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -s KILL -- $pids 2>/dev/null
tenths=0
for pid in $pids; do
  while [ $tenths -lt ${waitTenths} ] && kill -0 "$pid" 2>/dev/null && ! grep -q "^State:.Z" "/proc/$pid/status" 2>/dev/null; do
    sleep 0.1
    tenths=$((tenths + 1))
  done
done
for place in "$1"/n*; do umount "$place" 2>/dev/null || umount -l "$place" 2>/dev/null; done
rm -rf "$1"
`;

/** One for each run. It needs no signal to work: the end of this process is enough. */
export class Guard {
  readonly #shell: ChildProcess;

  /** `directory`: removed with all that is in it when this process ends. */
  constructor(directory: string) {
    this.#shell = spawn("sh", ["-c", script, "guard", directory], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.#shell.stdin!.on("error", () => undefined);
  }

  /** These run now, and no others. */
  tell(pids: readonly number[]): void {
    this.#shell.stdin!.write(`${pids.join(" ")}\n`);
  }

  /** Completes when nothing is left. */
  close(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#shell.once("exit", () => resolve()));
    this.#shell.stdin!.end();
    return gone;
  }
}
