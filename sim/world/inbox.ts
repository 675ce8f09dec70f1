import type { Micros } from "../../core/units.ts";
import type { Scheduler } from "../scheduler.ts";

type Waiting = { readonly code: number; readonly payload: unknown };

/** What has come to a process and waits for its turn: while it is paused, or, slow, takes turns only at beats. */
export class Inbox {
  readonly #scheduler: Scheduler;
  readonly #queueBeat: (at: Micros) => void;
  readonly #waiting: Waiting[] = [];
  /** Until then it takes turns only at beats, so long apart. */
  #slowUntil: Micros = 0;
  #beatMicros: Micros = 0;
  #beatIsDue = false;

  /** `queueBeat` queues an event, at which `beat` is to be called. */
  constructor(scheduler: Scheduler, queueBeat: (at: Micros) => void) {
    this.#scheduler = scheduler;
    this.#queueBeat = queueBeat;
  }

  get isSlow(): boolean {
    return this.#scheduler.now < this.#slowUntil;
  }

  /** What comes now has to wait behind what came before. */
  get mustWait(): boolean {
    return this.isSlow || this.#waiting.length > 0;
  }

  slowDown(micros: Micros, beatMicros: Micros): void {
    this.#slowUntil = this.#scheduler.now + micros;
    this.#beatMicros = beatMicros;
  }

  speedUp(): void {
    this.#slowUntil = 0;
  }

  /** Keeps it until `takeAll`. */
  put(code: number, payload: unknown): void {
    this.#waiting.push({ code, payload });
  }

  /** Keeps it until the next beat. */
  putForBeat(code: number, payload: unknown): void {
    this.put(code, payload);
    if (this.#beatIsDue) return;
    this.#beatIsDue = true;
    this.#queueBeat(this.#scheduler.now + this.#beatMicros);
  }

  /** The beat that was queued has come. */
  beat(): void {
    this.#beatIsDue = false;
  }

  /** All that waits, in order of its coming; nothing waits then. */
  takeAll(): readonly Waiting[] {
    return this.#waiting.splice(0);
  }
}
