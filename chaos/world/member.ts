/** A member through all its processes: where it is, and what was last done to it. */
import { cpSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { MemberProcess } from "./member-process.ts";
import type { Proxy } from "./proxy.ts";

/**
 * - `absent`: it has never been a member, or was removed and its directory is gone.
 * - `running`: its process runs, or should.
 * - `stopped`: its process was ended on purpose.
 */
export type MemberPhase = "absent" | "running" | "stopped";

/** One machine of a run, known by its id, which is also its member's. */
export class Member {
  readonly id: number;
  readonly port: number;
  readonly listenPort: number;
  readonly directory: string;
  readonly logFile: string;
  phase: MemberPhase = "absent";
  process: MemberProcess | null = null;
  /** Stopped by SIGSTOP. */
  isPaused = false;
  /** Its process may end by itself now, as a fault allows; in words. Null: it may not. */
  mayEnd: string | null = null;
  /** It has few descriptors, and may refuse connections. */
  isShort = false;
  /** It was added by an operator, through these URLs; null: a founder. */
  joinsBy: readonly string[] | null = null;
  /** Where its proxies are, the newest last; the last one's URL is advertised. */
  readonly proxies: Proxy[] = [];
  /** When it was last ended, started, paused or continued, in performance.now() milliseconds. */
  disturbedAtMs = -Infinity;
  /** Processes started so far. */
  starts = 0;

  constructor(id: number, port: number, listenPort: number, directory: string, logFile: string) {
    this.id = id;
    this.port = port;
    this.listenPort = listenPort;
    this.directory = directory;
    this.logFile = logFile;
  }

  /** Its advertised peer URL. */
  get url(): string {
    return this.proxies.at(-1)!.url;
  }

  get isUp(): boolean {
    return this.process !== null && this.process.exit === null && !this.isPaused;
  }

  /** Call it whenever something is done to its process. */
  disturb(): void {
    this.disturbedAtMs = performance.now();
  }

  /** Copies `from` to `to`, its subfolders too; sockets are of processes and stay behind. */
  static copy(from: string, to: string): void {
    cpSync(from, to, { recursive: true, filter: (path) => !lstatSync(path).isSocket() });
  }

  /** Takes away all that it has written. Its process has ended. */
  wipe(): void {
    for (const name of readdirSync(this.directory)) rmSync(join(this.directory, name), { recursive: true });
  }
}
