/**
 * A common bound on bytes that many requests hold in memory. Each takes all it needs at once, in the order of arrival:
 * many that took theirs by halves would wait for each other for ever.
 */
import type { ServerResponse } from "node:http";
import { ClientGone } from "./problem.ts";

/** Bytes that one request has taken. */
export type Reservation = {
  /** Gives the bytes back. A second call does nothing. */
  readonly release: () => void;
};

type Waiter = { readonly bytes: number; readonly settle: (reservation: Reservation | null) => void };

/** Bounds in bytes and milliseconds. */
export type BudgetOptions = {
  /** Over all requests. Not less than the most that one needs: it would wait in vain. */
  readonly bytesMax: number;
  /** How long a request waits for its bytes. */
  readonly waitMs: number;
};

/** How often those that hold room are looked at, while others wait for it. */
const lookMs = 100;

/** One for each process and purpose. */
export class ByteBudget {
  readonly #bytesMax: number;
  readonly #waitMs: number;
  #watch: NodeJS.Timeout | null = null;
  #bytes = 0;
  /** The longest waiting first. */
  readonly #waiting = new Set<Waiter>();

  constructor({ bytesMax, waitMs }: BudgetOptions) {
    this.#bytesMax = bytesMax;
    this.#waitMs = waitMs;
  }

  /** Bytes taken and not given back. Invariant: at most bytesMax. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes `bytes` until `outgoing` has closed, if they are free and nobody waits; whether it has. */
  tryHold(bytes: number, outgoing: ServerResponse): boolean {
    if (outgoing.destroyed) throw new ClientGone("the client went away");
    if (this.#waiting.size > 0 || this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    outgoing.once("close", this.#releaseOnce(bytes));
    return true;
  }

  /** Takes `bytes` until `outgoing` has closed; false where none are free in time. Rejects with ClientGone. */
  async hold(bytes: number, outgoing: ServerResponse, waitMs = this.#waitMs): Promise<boolean> {
    if (outgoing.destroyed) throw new ClientGone("the client went away");
    const gone = new AbortController();
    outgoing.once("close", () => gone.abort());
    const room = await this.reserve(bytes, gone.signal, waitMs);
    if (room === null) return false;
    if (gone.signal.aborted) room.release();
    else this.held(outgoing, room.release);
    return true;
  }

  /** `outgoing` has got its room: sees to it that it is given back. */
  protected held(outgoing: ServerResponse, release: () => void): void {
    outgoing.once("close", release);
  }

  /** A reservation of `bytes`, or null where none is free within the time or `gone` comes first. */
  reserve(bytes: number, gone: AbortSignal, waitMs = this.#waitMs): Promise<Reservation | null> {
    return new Promise((resolve) => {
      const settle = (reservation: Reservation | null): void => {
        clearTimeout(timer);
        gone.removeEventListener("abort", giveUp);
        this.#waiting.delete(waiter);
        resolve(reservation);
      };
      const waiter = { bytes, settle };
      const giveUp = (): void => {
        settle(null);
        this.#admit();
      };
      const timer = setTimeout(giveUp, waitMs);
      gone.addEventListener("abort", giveUp);
      this.#waiting.add(waiter);
      this.#admit();
      if (this.#waiting.size > 0) this.#watch ??= setInterval(() => this.#look(), lookMs).unref();
    });
  }

  /** What those that wait for room need beyond what is free; not above 0 where nobody lacks any. */
  protected get lackingBytes(): number {
    let wanted = 0;
    for (const { bytes } of this.#waiting) wanted += bytes;
    return wanted - (this.#bytesMax - this.#bytes);
  }

  /** Others wait for room: what is held in vain may be given back. Is called again and again while they do. */
  protected makeRoom(): void {}

  #look(): void {
    if (this.#waiting.size > 0) return this.makeRoom();
    clearInterval(this.#watch!);
    this.#watch = null;
  }

  #admit(): void {
    for (const { bytes, settle } of this.#waiting) {
      if (this.#bytes + bytes > this.#bytesMax) return;
      this.#bytes += bytes;
      settle({ release: this.#releaseOnce(bytes) });
    }
  }

  #releaseOnce(bytes: number): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#bytes -= bytes;
      this.#admit();
    };
  }
}
