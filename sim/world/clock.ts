/** A node's clock: its own start, its own rate. Timers are kept lazily: one queued event a timer, moved when it comes too early. */
import type { Clock, Timer } from "../../core/ports.ts";
import type { Micros, NodeId } from "../../core/units.ts";
import type { Draws } from "../draws.ts";
import { turnMustEnd } from "../laws/limits.ts";
import type { Plan } from "../plan/plan.ts";
import type { Scheduler } from "../scheduler.ts";

/** What a clock shows when its process starts, counted from the run's origin. */
const offsetMicrosMax: Micros = 1_000_000_000;

/** Where a run's clocks get their time, offset and rate. */
export type ClockWorld = { readonly scheduler: Scheduler; readonly draws: Draws; readonly plan: Plan };

/** What a clock needs of its machine. */
export interface TimerQueue {
  readonly id: NodeId;
  /** `timer` comes back to its clock, as due, at the true time `at`. */
  queueTimer(at: Micros, timer: SimTimer): void;
}

/** A timer of one clock. It is made by that clock only. */
export class SimTimer implements Timer {
  readonly fire: () => void;
  /** Deadline on the node's clock; Infinity: none. */
  deadline: Micros = Infinity;
  /** True time of the queued event; Infinity: none is queued. */
  queuedAt: Micros = Infinity;
  readonly #clock: SimClock;

  constructor(clock: SimClock, fire: () => void) {
    this.#clock = clock;
    this.fire = fire;
  }

  set(at: Micros): void {
    this.deadline = at;
    this.#clock.queue(this);
  }

  clear(): void {
    this.deadline = Infinity;
  }
}

/** The clock of one boot: the next process on the machine has another one. */
export class SimClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #queue: TimerQueue;
  readonly #startedAt: Micros;
  readonly #offset: Micros;
  readonly #rate: number;
  readonly #turnEnds: (() => void)[] = [];
  readonly #timers: SimTimer[] = [];
  /** True time up to which it is frozen; and for how long it has been, or will be, without making up for it. */
  #frozenUntil: Micros = 0;
  #frozenAt: Micros = 0;
  #lostMicros: Micros = 0;
  #jumps = false;

  /** `offset` is what the clock shows at its start; it gains `rate` microseconds a true one. */
  constructor(scheduler: Scheduler, queue: TimerQueue, offset: Micros, rate: number) {
    this.#scheduler = scheduler;
    this.#queue = queue;
    this.#startedAt = scheduler.now;
    this.#offset = offset;
    this.#rate = rate;
  }

  /** Of a process that starts now, with the offset and the rate that are drawn for its boot. */
  static ofBoot(boot: number, queue: TimerQueue, { scheduler, draws, plan }: ClockWorld): SimClock {
    const offset = plan.origin.clockMicros + draws.below(offsetMicrosMax, "clockOffset", queue.id, boot);
    const drift = plan.faults.clockDrift;
    const rate = 1 + (drift === 0 ? 0 : (draws.below(2 * drift, "clockRate", queue.id, boot) - drift) / 1_000_000);
    return new SimClock(scheduler, queue, offset, rate);
  }

  now(): Micros {
    if (this.#scheduler.now < this.#frozenUntil) return this.#frozenAt;
    return this.#offset + Math.floor((this.#scheduler.now - this.#startedAt - this.#lostMicros) * this.#rate);
  }

  get isFrozen(): boolean {
    return this.#scheduler.now < this.#frozenUntil;
  }

  /** Freezes for `micros`. With `jumps` it is right again after that, else it goes on from where it stood. */
  freeze(micros: Micros, jumps: boolean): void {
    if (this.#scheduler.now < this.#frozenUntil) return;
    this.#frozenAt = this.now();
    this.#frozenUntil = this.#scheduler.now + micros;
    this.#jumps = jumps;
    if (!jumps) this.#lostMicros += micros;
  }

  /** It goes on now; what was to come when it would have gone on comes so much earlier. */
  unfreeze(): void {
    const left = this.#frozenUntil - this.#scheduler.now;
    if (left <= 0) return;
    this.#frozenUntil = this.#scheduler.now;
    if (!this.#jumps) this.#lostMicros -= left;
    for (const timer of this.#timers) this.queue(timer);
  }

  timer(fire: () => void): Timer {
    const timer = new SimTimer(this, fire);
    this.#timers.push(timer);
    return timer;
  }

  endOfTurn(run: () => void): void {
    this.#turnEnds.push(run);
  }

  /** Runs what the turn has left for its end, and what that leaves. */
  runTurnEnds(): void {
    let ends = 0;
    for (let run = this.#turnEnds.shift(); run !== undefined; run = this.#turnEnds.shift()) {
      turnMustEnd(this.#queue.id, ++ends);
      run();
    }
  }

  queue(timer: SimTimer): void {
    if (timer.deadline === Infinity) return;
    const at = this.#trueTime(timer.deadline);
    if (timer.queuedAt <= at) return;
    timer.queuedAt = at;
    this.#queue.queueTimer(at, timer);
  }

  /** The queued event of `timer` has come; returns whether its deadline has passed. */
  due(timer: SimTimer): boolean {
    if (timer.queuedAt > this.#scheduler.now) return false; // An earlier event took its place.
    timer.queuedAt = Infinity;
    if (timer.deadline > this.now()) {
      this.queue(timer);
      return false;
    }
    timer.deadline = Infinity;
    return true;
  }

  #trueTime(at: Micros): Micros {
    const time = this.#startedAt + this.#lostMicros + Math.ceil((at - this.#offset) / this.#rate);
    return Math.max(this.#scheduler.now + 1, at > this.#frozenAt ? this.#frozenUntil : 0, time);
  }
}
