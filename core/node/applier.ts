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
import type { LogView } from "../raft/log.ts";
import type { Index } from "../units.ts";
import type { ContextOf } from "./context.ts";

type Step = { readonly entry: Entry; readonly command: Command | null };

/** The entries up to and including `entry` are in the store; `applied` is null for entries that are no command. */
export type OnApplied = (entry: Entry, applied: Applied | null) => void;

type ApplierContext = ContextOf<"fail" | "schedule" | "store" | "trace", "entriesPerApplyMax">;

function keyOf(command: Command | null): readonly string[] {
  return command === null || command.op === "open-session" ? [] : [command.key];
}

/** The only writer of the state store, but for an installed snapshot, which waits until it stands still. */
export class Applier {
  readonly #context: ApplierContext;
  readonly #store: ApplierContext["store"];
  readonly #log: Pick<LogView, "entryAt">;
  readonly #onApplied: OnApplied;
  #inFlight = false;
  #paused = false;

  /**
   * After each batch a turn is asked for. A committed entry that this program does not understand, or a store that fails,
   * ends the node.
   */
  constructor(context: ApplierContext, log: Pick<LogView, "entryAt">, onApplied: OnApplied) {
    this.#context = context;
    this.#store = context.store;
    this.#log = log;
    this.#onApplied = onApplied;
  }

  /** Nothing is in flight, and nothing begins until `resume`: the state is being replaced. False where something is. */
  pause(): boolean {
    assert(!this.#paused, "one snapshot at a time replaces the state");
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
    const to = Math.min(commit, from + this.#context.options.entriesPerApplyMax - 1);
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
      const entry = this.#log.entryAt(index);
      try {
        if (entry.kind === entryKinds.command) steps.push({ entry, command: decodeCommand(entryPayload(entry)) });
        else if (entry.kind === entryKinds.noop || entry.kind === entryKinds.configuration)
          steps.push({ entry, command: null });
        else throw new BadBytes(`entry kind ${entry.kind} is not known`);
      } catch (error) {
        if (!(error instanceof BadBytes)) throw error;
        this.#context.fail({ code: "unknown-entry", reason: `entry ${index} cannot be applied: ${error.message}` });
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
      for (const [k, step] of steps.entries()) this.#onApplied(step.entry, results[k]!);
      this.#context.trace.fact("applied", last.index, last.term, this.#store.hash.digest);
      this.#context.schedule();
    });
  }

  #fail(error: DiskError): void {
    this.#context.fail({ code: "disk", reason: `the state store failed: ${error.message}` });
  }
}
