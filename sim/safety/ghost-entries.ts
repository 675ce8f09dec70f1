import type { Configuration } from "../../core/protocol/configuration.ts";
import type { Entry, LogPosition } from "../../core/protocol/entry.ts";
import type { Index, Term } from "../../core/units.ts";
import { keyOfEntry } from "../keys.ts";

/** Every entry that was made in the run, by index and term, committed or not. */
export class GhostEntries {
  readonly #origin: LogPosition;
  readonly #entries = new Map<number, Entry>();
  readonly #configurations = new Map<number, Configuration>();

  /** `origin`: the last entry before the run, whose term no other is below. */
  constructor(origin: LogPosition) {
    this.#origin = origin;
  }

  /** Packed numbers count from the origin on. */
  #keyOf(index: Index, term: Term): number {
    return keyOfEntry(index - this.#origin.index, term - this.#origin.term);
  }

  at(index: Index, term: Term): Entry | undefined {
    return this.#entries.get(this.#keyOf(index, term));
  }

  add(entry: Entry): void {
    this.#entries.set(this.#keyOf(entry.index, entry.term), entry);
  }

  /** The configuration that such an entry holds. It must have been added. */
  configurationAt(index: Index, term: Term): Configuration {
    return this.#configurations.get(this.#keyOf(index, term))!;
  }

  addConfiguration({ index, term }: Entry, configuration: Configuration): void {
    this.#configurations.set(this.#keyOf(index, term), configuration);
  }
}
