/**
 * How many file descriptors this process may have, and how many of them its clients. The limit can be changed while the
 * process runs (prlimit), so it is read again and again; through one descriptor that stays open, since opening it would
 * fail just when it matters.
 */
import fs from "node:fs";

/** Clients are never more than this by default: each costs memory too. */
const clientsMax = 10_000;
/** Kept free for the node's own files and its peers, at most; of a small limit a quarter. */
const headroomMax = 256;
/** Refused clients that may be open at one time, at most; of a small headroom a quarter. They take from it. */
const refusedMax = 32;
/** Where the system does not tell its limit. */
const assumedLimit = 1_024;
const rereadMs = 1_000;

/** The descriptors of this process, asked of the system at each call. */
export type DescriptorUse = {
  /** The soft limit now. */
  readonly limit: () => number;
  /** How many descriptors the process has open. */
  readonly open: () => number;
};

/** Whether a system call failed since the process, or the machine, has no descriptor left. */
export function isShortage(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EMFILE" || code === "ENFILE";
}

/** By /proc. Where the system has none, the limit is taken for 1,024 and none is counted as open. */
export function machineDescriptors(): DescriptorUse {
  const fd = openLimits();
  const bytes = Buffer.alloc(4_096);
  return {
    limit: () =>
      fd === null ? assumedLimit : softLimit(bytes.toString("latin1", 0, fs.readSync(fd, bytes, 0, bytes.length, 0))),
    open: () => (fd === null ? 0 : fs.readdirSync("/proc/self/fd").length),
  };
}

function openLimits(): number | null {
  try {
    return fs.openSync("/proc/self/limits", "r");
  } catch {
    return null;
  }
}

function softLimit(limits: string): number {
  const text = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return text === undefined ? Infinity : Number(text);
}

function headroomOf(limit: number): number {
  return Math.min(headroomMax, Math.floor(limit / 4));
}

/** How many clients may be connected, below the limit on descriptors of the moment. */
export class ClientBound {
  readonly #use: DescriptorUse;
  readonly #asked: number;
  readonly #nowMs: () => number;
  #readAtMs = -Infinity;
  #limit = 0;
  /** Descriptors that are not clients', as last counted. */
  #others = 0;
  #isGuess = false;

  /** `asked`: what the operator allows; 0: as many as the limit gives. */
  constructor(use: DescriptorUse, asked: number, nowMs: () => number) {
    this.#use = use;
    this.#asked = asked;
    this.#nowMs = nowMs;
  }

  /** Whether one more client, whose descriptor is open already, is served beside the `served` and the `refused` ones. */
  admits(served: number, refused: number): boolean {
    return served < this.max(served + refused + 1);
  }

  /** How many of the `served` clients are too many now. */
  excess(served: number, refused: number): number {
    return Math.max(0, served - this.max(served + refused));
  }

  /** The bound on served clients now. `clients` hold a descriptor each, served or refused. */
  max(clients: number): number {
    const nowMs = this.#nowMs();
    if (nowMs - this.#readAtMs >= rereadMs) this.#read(nowMs, clients);
    const most = Math.max(1, this.#limit - this.#others - headroomOf(this.#limit));
    return Math.min(most, this.#asked === 0 ? clientsMax : this.#asked);
  }

  /** How many refused clients may be open at one time, by the limit as last read. */
  get refusedMax(): number {
    return Math.min(refusedMax, Math.floor(headroomOf(this.#limit) / 4));
  }

  /** A system call has found no descriptor free, while `clients` hold so many: they are too many, until the next count. */
  onShortage(clients: number): void {
    this.#limit = this.#use.limit();
    this.#readAtMs = this.#nowMs();
    this.#isGuess = true;
    this.#others = Math.max(0, this.#limit - clients);
  }

  #read(nowMs: number, clients: number): void {
    this.#readAtMs = nowMs;
    const limit = this.#use.limit();
    // To count them costs time where clients are many, and tells nothing new where descriptors are plenty.
    const isPlenty = limit - this.#others - clients > 2 * headroomOf(limit);
    if (limit === this.#limit && !this.#isGuess && isPlenty) return;
    this.#limit = limit;
    this.#isGuess = false;
    this.#others = this.#countOthers(clients);
  }

  #countOthers(clients: number): number {
    try {
      return Math.max(0, this.#use.open() - clients);
    } catch (error) {
      if (isShortage(error)) return Math.max(0, this.#limit - clients);
      throw error;
    }
  }
}
