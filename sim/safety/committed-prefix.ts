/**
 * The committed prefix: what some node's commit index has reached. For each of its indices it knows the configuration in
 * force, the term in which it was committed, and the state that it makes.
 */
import type { SessionLimits } from "../../core/kv/sessions.ts";
import { type Entry, entryKinds, type LogPosition } from "../../core/protocol/entry.ts";
import type { NodeId, Term } from "../../core/units.ts";
import { clusterTimeMustNotFall } from "../laws/replication.ts";
import { GhostLog, putInto } from "./ghost-log.ts";
import { GhostMachine } from "./ghost-machine.ts";

/** One for each run, which begins after the entry `origin`. */
export class CommittedPrefix {
  /** Invariant: the lists below have one place for its last index, and one for each before it down to the origin. */
  readonly log = new GhostLog();
  readonly machine: GhostMachine;
  readonly #origin: LogPosition;
  /** Index of the configuration in force at each index. */
  readonly #configurationAt: number[] = [0];
  /** They never fall along the log. */
  readonly #committedIn: Term[];

  constructor(limits: SessionLimits, origin: LogPosition) {
    this.#origin = origin;
    this.#committedIn = [origin.term];
    this.log.beginAt(origin);
    this.machine = new GhostMachine(limits, origin);
  }

  /** `id`, leading `term`, says that `entry` is committed: the one behind the last. */
  add(id: NodeId, entry: Entry, term: Term): void {
    clusterTimeMustNotFall(id, entry, this.machine.clusterMicros);
    putInto(this.log, entry, "committed");
    const isConfiguration = entry.kind === entryKinds.configuration;
    this.#configurationAt.push(isConfiguration ? entry.index : this.#configurationAt.at(-1)!);
    this.#committedIn.push(term);
    this.machine.apply(entry);
  }

  /** Whether it has that very entry. */
  includes(entry: Entry): boolean {
    return this.log.termAt(entry.index) === entry.term && this.log.crcAt(entry.index) === entry.crc;
  }

  /** Whether `log` holds at `index` what is committed there. */
  isHeldBy(log: GhostLog, index: number): boolean {
    if (index > this.log.last || index > log.last) return false;
    if (index <= log.base) return true;
    return this.log.termAt(index) === log.termAt(index) && this.log.crcAt(index) === log.crcAt(index);
  }

  /** Index of the configuration in force at `index`; 0: the founders' configuration. */
  configurationIndexAt(index: number): number {
    return this.#configurationAt[index - this.#origin.index] ?? 0;
  }

  /** The last index that was committed before `term`. */
  lastBefore(term: Term): number {
    return this.#origin.index + this.#committedIn.findLastIndex((committedIn) => committedIn < term);
  }
}
