/**
 * Folds committed entries into the state store, strictly in order, one batch in flight. Two steps, because a store may
 * have no synchronous read: fetch the rows that the batch names, then apply purely and write rows and applied index as
 * one.
 */
import { assert } from "../assert.ts";
import { BadBytes } from "../bytes.ts";
import { type Command, decodeCommand } from "../kv/command.ts";
import { type Applied, applyCommand, type Row, type RowChanges } from "../kv/machine.ts";
import type { DiskError } from "../ports.ts";
import { entryPayload } from "../protocol/entry-codec.ts";
import { type Entry, entryKinds } from "../protocol/entry.ts";
import type { StateStore } from "../storage/state-store.ts";
import type { Index } from "../units.ts";

type Step = { readonly entry: Entry; readonly command: Command | null };

/** What the applier asks of its node, and tells it. Every call comes inside one of the node's turns. */
export interface ApplierHost {
  /** The committed entry at `index`. */
  entryAt(index: Index): Entry;
  /** The entries up to and including `entry` are in the store; `applied` is null for entries that are no command. */
  onApplied(entry: Entry, applied: Applied | null): void;
  /** The batch that ends with `entry` is in the store, all its `onApplied` done. */
  onBatch(entry: Entry): void;
  /** A committed entry that this program does not understand, or a store that failed: the node ends. */
  onFailure(code: "unknown-entry" | "disk", reason: string): void;
}

function keyOf(command: Command | null): readonly string[] {
  return command === null || command.op === "open-session" ? [] : [command.key];
}

/** The only writer of the state store, but for an installed snapshot, which waits until it stands still. */
export class Applier {
  readonly #store: StateStore;
  readonly #host: ApplierHost;
  readonly #batchMax: number;
  #inFlight = false;
  #paused = false;

  constructor(store: StateStore, host: ApplierHost, batchMax: number) {
    this.#store = store;
    this.#host = host;
    this.#batchMax = batchMax;
  }

  /** Nothing is in flight, and nothing begins until `resume`: the state is being replaced. False where something is. */
  pause(): boolean {
    this.#paused = !this.#inFlight;
    return this.#paused;
  }

  resume(): void {
    assert(!this.#inFlight, "nothing is applied while the state is being replaced");
    this.#paused = false;
  }

  /** Applies one batch towards `commit`, unless one is in flight. Returns whether more is to do. */
  advance(commit: Index): boolean {
    const from = this.#store.applied.index + 1;
    if (this.#inFlight || this.#paused || from > commit) return false;
    const to = Math.min(commit, from + this.#batchMax - 1);
    const steps = this.#decode(from, to);
    if (steps === null) return false;
    assert(steps[0]?.entry.index === from, "entries are applied in order, each once");
    this.#inFlight = true;
    const keys = [...new Set(steps.flatMap(({ command }) => keyOf(command)))];
    this.#store.read(keys, (error, rows) => {
      if (error !== null) return this.#fail(error);
      this.#fold(steps, new Map(keys.map((key, k) => [key, rows[k] ?? null])));
    });
    return to < commit;
  }

  #decode(from: Index, to: Index): Step[] | null {
    const steps: Step[] = [];
    for (let index = from; index <= to; index++) {
      const entry = this.#host.entryAt(index);
      try {
        if (entry.kind === entryKinds.command) steps.push({ entry, command: decodeCommand(entryPayload(entry)) });
        else if (entry.kind === entryKinds.noop || entry.kind === entryKinds.configuration)
          steps.push({ entry, command: null });
        else throw new BadBytes(`entry kind ${entry.kind} is not known`);
      } catch (error) {
        if (!(error instanceof BadBytes)) throw error;
        this.#host.onFailure("unknown-entry", `entry ${index} cannot be applied: ${error.message}`);
        return null;
      }
    }
    return steps;
  }

  #fold(steps: readonly Step[], before: ReadonlyMap<string, Row | null>): void {
    const writes: RowChanges = { before, rows: new Map(), sessions: new Map() };
    const rows = new Map(before);
    const { sessions } = this.#store;
    const results = steps.map(({ entry, command }) =>
      command === null ? null : applyCommand(entry, command, rows, sessions, writes),
    );
    const last = steps.at(-1)!.entry;
    assert(last.index > this.#store.applied.index, "the applied index rises");
    this.#store.write(writes, last, (error) => {
      if (error !== null) return this.#fail(error);
      assert(this.#store.applied.index === last.index, "rows and applied index go down as one");
      this.#inFlight = false;
      for (const [k, step] of steps.entries()) this.#host.onApplied(step.entry, results[k]!);
      this.#host.onBatch(last);
    });
  }

  #fail(error: DiskError): void {
    this.#host.onFailure("disk", `the state store failed: ${error.message}`);
  }
}
