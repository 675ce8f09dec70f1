/** Watches every member from outside: who leads, who is ready, descriptors, memory, lines of log. */
import { DescriptorLeaks } from "./descriptor-leaks.ts";
import type { MemberProcess } from "../world/member-process.ts";
import type { World } from "../world/world.ts";
import { descriptorsOf, residentBytesOf } from "../world/proc.ts";

const beatMs = 250;
const minuteMs = 60_000;
/** A process may say this much within a minute, whatever happens. */
const linesPerMinuteMax = 400;
/** The same text within a minute: the server promises one, and a minute has two ends. */
const sameTextMax = 3;
const residentBytesMax = 1024 * 1024 * 1024;
/** More than a client pool, its peers and its files can need. */
const descriptorsMax = 900;

/** The highest of any member in the run. */
export type Peaks = { descriptors: number; residentBytes: number; linesPerMinute: number };

/** One for each run. It looks at processes from outside, four times a second, and asks members who leads. */
export class Monitors {
  readonly peaks: Peaks = { descriptors: 0, residentBytes: 0, linesPerMinute: 0 };
  readonly #world: World;
  readonly #onFinding: (kind: string, text: string) => void;
  readonly #minutes = new Map<MemberProcess, { sinceMs: number; lines: number }>();
  readonly #told = new Set<string>();
  readonly #leaks = new DescriptorLeaks();
  /** Changes of the leader that were seen. */
  leaderships = 0;
  #term = 0;

  constructor(world: World, onFinding: (kind: string, text: string) => void) {
    this.#world = world;
    this.#onFinding = onFinding;
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.beat();
      await new Promise((resolve) => setTimeout(resolve, beatMs));
    }
  }

  async beat(): Promise<void> {
    const up = this.#world.present.filter(({ isUp }) => isUp);
    const states = await Promise.all(up.map((member) => this.#world.stateOf(member)));
    for (const [k, state] of states.entries()) {
      if (state === null || !state.isLeader || state.term < this.#term) continue;
      if (state.term > this.#term) this.leaderships += 1;
      this.#term = state.term;
      this.#world.leader = up[k]!.id;
    }
    for (const { id, process: running } of up) if (running !== null) this.#measure(id, running);
  }

  #measure(id: number, running: MemberProcess): void {
    const { pace } = this.#world;
    const [descriptors, residentBytes] = [descriptorsOf(running.pid), residentBytesOf(running.pid)];
    const minute = this.#minutes.get(running) ?? { sinceMs: performance.now(), lines: running.lines };
    if (performance.now() - minute.sinceMs > minuteMs)
      [minute.sinceMs, minute.lines] = [performance.now(), running.lines];
    this.#minutes.set(running, minute);
    const lines = running.lines - minute.lines;
    this.peaks.descriptors = Math.max(this.peaks.descriptors, descriptors);
    this.peaks.residentBytes = Math.max(this.peaks.residentBytes, residentBytes);
    this.peaks.linesPerMinute = Math.max(this.peaks.linesPerMinute, lines);
    if (descriptors > descriptorsMax) this.#tell(id, `has ${descriptors} descriptors open`, "descriptors");
    if (residentBytes > residentBytesMax) this.#tell(id, `holds ${Math.round(residentBytes / 1e6)} MB`, "memory");
    const leak = this.#leaks.look(running, descriptors, pace);
    if (leak !== null) this.#tell(id, leak, "descriptors");
    // Lines that were read late stand closer together than they were written.
    if (pace.wasStarvedSince(performance.now() - minuteMs)) return running.forgetRepetitions();
    const { text, count } = running.mostRepeated;
    if (count > sameTextMax) this.#tell(id, `repeats a line of log ${count} times within a minute: ${text}`, "log");
    if (lines > linesPerMinuteMax) this.#tell(id, `writes ${lines} lines of log within a minute`, "log");
  }

  /** Once a member and kind. */
  #tell(id: number, what: string, kind: string): void {
    if (this.#told.has(`${id} ${kind}`)) return;
    this.#told.add(`${id} ${kind}`);
    this.#onFinding(kind, `n${id} ${what}`);
  }
}
