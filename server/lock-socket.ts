/**
 * A lock that needs nothing but Node: the holder listens on a socket file in the directory. Whether a connection is
 * accepted tells a living process from a dead one, zombies too, and the kernel answers across process-id and network
 * namespaces. Each starter has a socket of its own, under a name that no other starter ever uses. So the name of a dead
 * starter can be removed without a race; a name that all share could not.
 *
 * Mutual exclusion: a starter publishes its name, then asks all others. Of two starters at once, the later publisher
 * sees the other. Of two candidates the smaller name wins, so that one of them does.
 */
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";

const socketName = /^lock-[0-9a-f]{16}\.sock$/;
const draftName = /^lock-[0-9a-f]{16}\.sock\.new$/;
/** A holder whose event loop is busy still accepts; it is not waited for longer. */
const replyMs = 1_000;
const askAgainMs = 20;
/** Rounds against others that are about to give way. */
const roundsMax = 100;
/** Where a file system, or its driver, has no sockets. */
const noSockets = /^(EPERM|EACCES|ENOTSUP|EOPNOTSUPP|EINVAL|ENOSYS|ENAMETOOLONG|ENXIO|EIO)$/;

/** Whether a file of that name is a lock's, of any starter, living or dead. */
export function isLockSocket(name: string): boolean {
  return socketName.test(name) || draftName.test(name);
}

/** `unclear`: the connection was cut, since it ends or gives way just now; it is asked again. */
type State = "held" | "candidate" | "dead" | "unclear";

/** `taken`: another living process has it. `unavailable`: no socket can be made in this directory. */
export type SocketLocking = LockSocket | "taken" | "unavailable";

/** A lock that is held, by this process, until `release` or its end. Only `take` makes one. */
export class LockSocket {
  readonly #directory: string;
  readonly #directoryFd: number;
  readonly #name = `lock-${randomBytes(8).toString("hex")}.sock`;
  readonly #server: Server;
  #state: "held" | "candidate" = "candidate";

  private constructor(directory: string) {
    this.#directory = directory;
    this.#directoryFd = openSync(directory, "r");
    this.#server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end(this.#state);
    });
    // The lock keeps no process alive.
    this.#server.unref();
  }

  /** Takes the lock of `directory`, which exists. */
  static async take(directory: string): Promise<SocketLocking> {
    const lock = new LockSocket(directory);
    try {
      if ((await lock.#publish()) && (await lock.#win())) return lock;
    } catch (error) {
      lock.release();
      if (noSockets.test((error as NodeJS.ErrnoException).code ?? "")) return "unavailable";
      throw error;
    }
    lock.release();
    return "taken";
  }

  release(): void {
    this.#server.close();
    rmSync(join(this.#directory, this.#name), { force: true });
    rmSync(join(this.#directory, `${this.#name}.new`), { force: true });
    closeSync(this.#directoryFd);
  }

  /** An address holds 108 bytes on Linux, 104 elsewhere: a long path is shortened through the open directory. */
  #address(name: string): string {
    const short = `/proc/self/fd/${this.#directoryFd}`;
    return join(existsSync(short) ? short : this.#directory, name);
  }

  /**
   * A socket has its final name only once it listens: a socket that refuses a connection under that name is dead for
   * ever. False where a winner has removed the draft.
   */
  async #publish(): Promise<boolean> {
    const draft = `${this.#name}.new`;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#address(draft), resolve);
    });
    try {
      renameSync(join(this.#directory, draft), join(this.#directory, this.#name));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  async #win(): Promise<boolean> {
    for (let round = 0; round < roundsMax; round++) {
      const others = readdirSync(this.#directory).filter((name) => socketName.test(name) && name !== this.#name);
      const states = await Promise.all(others.map((name) => this.#ask(name)));
      const inState = (state: State): readonly string[] => others.filter((_, k) => states[k] === state);
      const dead = inState("dead");
      for (const name of dead) rmSync(join(this.#directory, name), { force: true });
      if (dead.length === others.length) {
        this.#state = "held";
        this.#removeDrafts();
        return true;
      }
      if (states.includes("held") || inState("candidate").some((name) => name < this.#name)) return false;
      await new Promise((resolve) => setTimeout(resolve, askAgainMs));
    }
    return false;
  }

  #ask(name: string): Promise<State> {
    return new Promise((resolve) => {
      const socket = connect(this.#address(name));
      let reply = "";
      // A process that accepts and says nothing is busy, or stopped, and alive.
      socket.setTimeout(replyMs, () => {
        resolve("held");
        socket.destroy();
      });
      socket.on("data", (chunk) => (reply += chunk.toString("latin1")));
      socket.on("error", ({ code }: NodeJS.ErrnoException) => {
        if (code === "ECONNREFUSED" || code === "ENOENT") resolve("dead");
        // What cannot be asked, with a full backlog for instance, counts as the holder.
        else if (code !== "ECONNRESET" && code !== "EPIPE") resolve("held");
      });
      socket.on("close", () => resolve(reply === "candidate" || reply === "held" ? reply : "unclear"));
    });
  }

  /** Of starters that were killed between two steps. A living starter whose draft is removed begins again. */
  #removeDrafts(): void {
    for (const name of readdirSync(this.#directory)) {
      if (draftName.test(name)) rmSync(join(this.#directory, name), { force: true });
    }
  }
}
