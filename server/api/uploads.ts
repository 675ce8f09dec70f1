/**
 * A common bound on the bytes of request bodies that are held in memory. A body is let in as a whole, in the order of
 * arrival, before any of it is read: many that are let in by halves would wait for each other for ever.
 */
export type Reservation = {
  /** Gives the bytes back. A second call does nothing. */
  readonly release: () => void;
};

type Waiter = { readonly bytes: number; readonly settle: (reservation: Reservation | null) => void };

/** Bounds in bytes and milliseconds. */
export type UploadOptions = {
  /** Over all requests. Not less than the longest body. */
  readonly bytesMax: number;
  /** How long a body waits to be let in. */
  readonly waitMs: number;
  /** How long a body that was let in may send nothing. */
  readonly stallMs: number;
};

/** One for each process. A body longer than `bytesMax` would wait in vain. */
export class Uploads {
  readonly options: UploadOptions;
  #bytes = 0;
  /** The longest waiting first. */
  readonly #waiting = new Set<Waiter>();

  constructor(options: UploadOptions) {
    this.options = options;
  }

  /** Bytes let in and not given back. Invariant: at most bytesMax. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A reservation of `bytes`, or null where none is free within the time or `gone` comes first. */
  reserve(bytes: number, gone: AbortSignal): Promise<Reservation | null> {
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
      const timer = setTimeout(giveUp, this.options.waitMs);
      gone.addEventListener("abort", giveUp);
      this.#waiting.add(waiter);
      this.#admit();
    });
  }

  #admit(): void {
    for (const { bytes, settle } of this.#waiting) {
      if (this.#bytes + bytes > this.options.bytesMax) return;
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
