import type { Clock, Timer } from "../core/ports.ts";
import type { Micros } from "../core/units.ts";

/** The machine's monotonic clock. It may stop while the machine is suspended: then a lease outlives its term. */
export class MachineClock implements Clock {
  #turnEnds: (() => void)[] = [];

  now(): Micros {
    return Math.floor(performance.now() * 1000);
  }

  timer(fire: () => void): Timer {
    return new MachineTimer(this, fire);
  }

  endOfTurn(run: () => void): void {
    this.#turnEnds.push(run);
    if (this.#turnEnds.length > 1) return;
    // After every callback of this round of the event loop: one flush for all of them.
    setImmediate(() => {
      for (const end of this.#turnEnds.splice(0)) end();
    });
  }
}

/** Armed lazily: a deadline that moves away costs nothing until the old one fires. */
class MachineTimer implements Timer {
  readonly #clock: MachineClock;
  readonly #fire: () => void;
  #deadline: Micros = Infinity;
  #armedFor: Micros = Infinity;
  #handle: NodeJS.Timeout | null = null;

  constructor(clock: MachineClock, fire: () => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  set(at: Micros): void {
    this.#deadline = at;
    if (at < this.#armedFor) this.#arm();
  }

  clear(): void {
    this.#deadline = Infinity;
    if (this.#handle !== null) clearTimeout(this.#handle);
    this.#handle = null;
    this.#armedFor = Infinity;
  }

  #arm(): void {
    if (this.#handle !== null) clearTimeout(this.#handle);
    this.#armedFor = this.#deadline;
    const waitMs = Math.max(0, Math.ceil((this.#deadline - this.#clock.now()) / 1000));
    this.#handle = setTimeout(() => this.#wake(), waitMs);
  }

  #wake(): void {
    this.#handle = null;
    this.#armedFor = Infinity;
    if (this.#deadline === Infinity) return;
    if (this.#clock.now() < this.#deadline) return this.#arm();
    this.#deadline = Infinity;
    this.#fire();
  }
}
