/**
 * A run that somebody looks at and changes: it stands still after any of its events, goes on, and back. Back is the same run
 * from its beginning to an earlier event, which is exact, since a run hangs on its tape alone.
 */
import type { Envelope } from "../core/protocol/message.ts";
import type { Micros } from "../core/units.ts";
import { withoutAmbients } from "./ambient.ts";
import type { Deed, Intervention } from "./interventions.ts";
import { Simulator } from "./simulator.ts";
import type { Tape } from "./tape.ts";
import { type Line, Recorder } from "./trace/recorder.ts";
import type { StreamEvent } from "./world/stream.ts";
import { type Property, Violation } from "./violation.ts";

/** What a host's event of a message, or of a stream, holds. */
export type SentEvent = { readonly envelope: Envelope; readonly stream: StreamEvent };

/** The law that has ended the run. */
export type Broken = { readonly property: Property; readonly message: string };

/** One run of a tape up to its safety phase's end. What comes behind (the healed core, the judgement) `simulate` tells. */
export class Play {
  readonly plan: Tape["plan"];
  readonly #decisions: Tape["decisions"];
  #interventions: readonly Intervention[];
  #simulator!: Simulator;
  #recorder!: Recorder;
  /** Each line of the trace, as `--trace` prints it. */
  #words: string[] = [];
  /** How many events had happened at the end of each line of the trace. */
  #eventOfLine: number[] = [];
  #broken: Broken | null = null;
  #isOver = false;
  /** How often the run has begun from its start. */
  starts = 0;

  constructor({ plan, decisions, interventions = [] }: Tape) {
    this.plan = plan;
    this.#decisions = decisions;
    this.#interventions = interventions;
    this.#start();
  }

  get simulator(): Simulator {
    return this.#simulator;
  }

  get recorder(): Recorder {
    return this.#recorder;
  }

  get interventions(): readonly Intervention[] {
    return this.#interventions;
  }

  /** Events that have happened. */
  get event(): number {
    return this.#simulator.scheduler.events;
  }

  get broken(): Broken | null {
    return this.#broken;
  }

  /** No event is left in the safety phase, or a law is broken: it goes no further. */
  get isOver(): boolean {
    return this.#isOver || this.#broken !== null;
  }

  /** The run as it is known, with everything that was done by hand. */
  get tape(): Tape {
    return { plan: this.plan, decisions: this.#decisions, interventions: this.#interventions };
  }

  /** Line k of the trace, as `--trace` prints it. */
  wordsOf(k: number): string {
    return this.#words[k] ?? "";
  }

  /** The event after which line k of the trace stood. */
  eventOf(k: number): number {
    return this.#eventOfLine[k] ?? 0;
  }

  #start(): void {
    this.starts += 1;
    this.#recorder = new Recorder();
    this.#eventOfLine = [];
    this.#words = [];
    this.#broken = null;
    this.#isOver = false;
    const [given, interventions, recorder, words] = [this.#decisions, this.#interventions, this.#recorder, this.#words];
    const print = (line: string): void => void words.push(line);
    this.#simulator = new Simulator(this.plan, { print, invariants: true, given, interventions, recorder });
    this.#guarded(() => {
      this.#simulator.startAll();
      this.#simulator.addClients(this.plan.clients);
      this.#simulator.intervener.reached(0);
    });
  }

  /** A Violation, or an error that nobody has caught, ends the run. */
  #guarded(run: () => void): void {
    try {
      withoutAmbients(run);
    } catch (error) {
      const property = error instanceof Violation ? error.property : "I21";
      this.#broken = { property, message: error instanceof Error ? error.message : String(error) };
      // It may have ended in the middle of a turn.
      this.#simulator.stateRecorder!.finish();
    }
    this.#noteLines();
  }

  #noteLines(): void {
    while (this.#eventOfLine.length < this.#recorder.lines.length) this.#eventOfLine.push(this.event);
  }

  /** On, with all that is done by hand, until `stop` says so after an event, or the run is over. */
  #run(stop: () => boolean): void {
    if (this.isOver) return;
    this.#guarded(() => {
      const hasStopped = this.#simulator.runUntil(this.plan.safetyMicros, () => {
        this.#noteLines();
        return stop();
      });
      this.#isOver = !hasStopped;
    });
  }

  /** The next event that leaves a line in the trace. */
  forward(): void {
    const { length } = this.#recorder.lines;
    this.#run(() => this.#recorder.lines.length > length);
  }

  /** To just after the last earlier event that has left a line, or to before the first event. */
  back(): void {
    const { event } = this;
    this.goTo(this.#eventOfLine.findLast((one) => one < event) ?? 0);
  }

  /** After that event, or at the end of the run. */
  goTo(event: number): void {
    if (event < this.event) this.#start();
    if (event > this.event) this.#run(() => this.event >= event);
  }

  /** On until a line that an event has left is one of those, which it returns, or `micros` have passed, or the run is over. */
  until(reached: (line: Line) => boolean, micros: Micros = Infinity): boolean {
    const end = this.#simulator.scheduler.now + micros;
    let seen = this.#recorder.lines.length;
    let isReached = false;
    this.#run(() => {
      isReached = this.#recorder.lines.slice(seen).some(reached);
      seen = this.#recorder.lines.length;
      return isReached || this.#simulator.scheduler.now >= end;
    });
    return isReached;
  }

  /** Until so much simulated time has passed. */
  pass(micros: Micros): void {
    const end = this.#simulator.scheduler.now + micros;
    this.#run(() => this.#simulator.scheduler.now >= end);
  }

  /** Does it now. What was done at later events is dropped: with this, they are other events. */
  intervene(deed: Deed): void {
    if (this.isOver) return;
    const intervention = [this.event, ...deed] as Intervention;
    this.#interventions = [...this.#interventions.filter(([after]) => after <= this.event), intervention];
    this.#guarded(() => this.#simulator.intervener.add(intervention));
  }

  /** Intervention k and all after it were never made. The run stands where k was made. */
  undo(k: number): void {
    const gone = this.#interventions[k];
    if (gone === undefined) return;
    this.#interventions = this.#interventions.slice(0, k);
    this.#start();
    this.goTo(gone[0]);
  }
}
