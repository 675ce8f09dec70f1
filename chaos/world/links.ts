/**
 * The links between members: for each dialler and listener what their connections suffer. A link is directed by who
 * dialled: a member's messages travel on the streams that it has dialled itself, and what comes back on them are answers.
 * Faults touch the bytes that really travel, and connections that are made while they last.
 */

/**
 * - `cut`: connections are reset, and new ones too.
 * - `silent`: nothing passes in either direction and nothing is closed, as behind a firewall that drops.
 * - `one-way`: the dialler's bytes do not pass; the listener's do.
 * - `slow`: each piece waits.
 * - `half-closed`: the listener is told that the dialler sends no more; its own bytes still pass.
 * - `stalled`: a piece stops in its middle, in a frame, and goes on when the fault ends.
 */
export const linkFaults = ["cut", "silent", "one-way", "slow", "half-closed", "stalled"] as const;
/** What befalls the connections of one link; see `linkFaults`. */
export type LinkFault = (typeof linkFaults)[number];

/** One connection that passes through a proxy. */
export interface Pipe {
  readonly from: number;
  readonly to: number;
  /** Acts on `fault` from now on; null: passes everything, also what was held. */
  setFault(fault: LinkFault | null): void;
  reset(): void;
  /** Ends it in good order: each end is told that the other has ended. */
  close(): void;
}

/** One for each run. Members' ids are from 1 on. */
export class Links {
  /** "from>to" -> the fault; at most one at a time. */
  readonly #faults = new Map<string, LinkFault>();
  readonly #pipes = new Set<Pipe>();
  /** When a fault began or ended, or a connection was ended on purpose, in performance.now() milliseconds. */
  touchedAtMs = -Infinity;
  readonly #touchedAtMs = new Map<string, number>();
  /** Connections that have ended, for whatever reason. */
  endedCount = 0;

  /** Of connections that `from` dials to `to`; 0 is a stranger, or a process that is gone already. */
  faultOf(from: number, to: number): LinkFault | null {
    return this.#faults.get(`${from}>${to}`) ?? null;
  }

  /** As `touchedAtMs`, of this link alone; -Infinity: never. */
  touchedAtMsOf(from: number, to: number): number {
    return this.#touchedAtMs.get(`${from}>${to}`) ?? -Infinity;
  }

  #touch(link: string): void {
    this.touchedAtMs = performance.now();
    this.#touchedAtMs.set(link, this.touchedAtMs);
  }

  get hasFaults(): boolean {
    return this.#faults.size > 0;
  }

  strike(from: number, to: number, fault: LinkFault): void {
    this.#touch(`${from}>${to}`);
    this.#faults.set(`${from}>${to}`, fault);
    for (const pipe of this.#of(from, to)) pipe.setFault(fault);
  }

  heal(from: number, to: number): void {
    if (!this.#faults.delete(`${from}>${to}`)) return;
    this.#touch(`${from}>${to}`);
    for (const pipe of this.#of(from, to)) pipe.setFault(null);
  }

  healAll(): void {
    for (const link of this.#faults.keys()) this.#touch(link);
    this.#faults.clear();
    for (const pipe of this.#pipes) pipe.setFault(null);
  }

  /** Ends the connections that there are, by a reset or in good order; new ones pass. How many there were. */
  endAll(from: number, to: number, how: "reset" | "closed"): number {
    const own = this.#of(from, to);
    if (own.length > 0) this.#touch(`${from}>${to}`);
    for (const pipe of own) {
      if (how === "reset") pipe.reset();
      else pipe.close();
    }
    return own.length;
  }

  opened(pipe: Pipe): void {
    this.#pipes.add(pipe);
  }

  closed(pipe: Pipe): void {
    if (this.#pipes.delete(pipe)) this.endedCount += 1;
  }

  #of(from: number, to: number): Pipe[] {
    return [...this.#pipes].filter((pipe) => pipe.from === from && pipe.to === to);
  }
}
