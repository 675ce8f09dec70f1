/** A recorded run, asked for what a story needs: who led, who voted, where an entry came from, and who has missed it. */
import type { Entry } from "../../../core/protocol/entry.ts";
import type { Message } from "../../../core/protocol/message.ts";
import type { Index, NodeId, Term } from "../../../core/units.ts";
import type { Fate, Line, Note, Recorder } from "../../trace/recorder.ts";
import { leaderRole, roleNames, wordOf } from "../../trace/vocabulary.ts";
import { entryWords } from "../entries.ts";
import { stops } from "../states.ts";

/** One step of a story: what happened, and at which line of the trace; null: at no line alone. */
export type Cause = { readonly line: number | null; readonly text: string };

/** When a log first held an entry. */
export type Arrival = { readonly node: NodeId; readonly line: number; readonly entry: Entry };

const candidateRole = roleNames.indexOf("candidate");

/** One for each story. All that it is asked for is looked up in the lines and notes of the run. */
export class RunFacts {
  readonly lines: readonly Line[];
  readonly recorder: Recorder;
  /** Messages that have arrived. */
  readonly #received = new Set<number>();
  readonly #arrivals = new Map<number, Arrival[]>();

  constructor(recorder: Recorder) {
    this.recorder = recorder;
    this.lines = recorder.lines;
    for (const line of this.lines) if (line.kind === "receive") this.#received.add(line.message);
    for (const { at, node, log } of recorder.notes) {
      for (const entry of log?.entries ?? []) {
        const known = this.#arrivals.get(entry.index);
        if (known === undefined) this.#arrivals.set(entry.index, [{ node, line: at, entry }]);
        else known.push({ node, line: at, entry });
      }
    }
  }

  get end(): number {
    return this.lines.length - 1;
  }

  /** The line that says so first, or last before `before`; -1: none. */
  first(is: (line: Line) => boolean, from = 0): number {
    const found = this.lines.slice(from).findIndex(is);
    return found === -1 ? -1 : found + from;
  }
  last(is: (line: Line) => boolean, before = this.lines.length): number {
    for (let k = Math.min(before, this.lines.length) - 1; k >= 0; k--) if (is(this.lines[k]!)) return k;
    return -1;
  }

  messageAt(k: number): Message | null {
    return this.recorder.messages[this.lines[k]!.message] ?? null;
  }

  /** "arrived", or why the message was not received; "late": it was still under way. */
  fateOf(number: number): Fate | "arrived" | "late" {
    if (this.#received.has(number)) return "arrived";
    return this.recorder.fates.get(number) ?? "late";
  }

  /** The line at which `term` got its leader, or -1. */
  leadership(term: Term): number {
    return this.first(({ kind, a, b }) => kind === "role" && a === leaderRole && b === term);
  }

  /** The lines at which nodes became leader, in order. */
  get leaderships(): number[] {
    return [...this.lines.keys()].filter((k) => this.lines[k]!.kind === "role" && this.lines[k]!.a === leaderRole);
  }

  candidacy(node: NodeId, term: Term): number {
    return this.first(
      (line) => line.kind === "role" && line.node === node && line.a === candidateRole && line.b === term,
    );
  }

  /** The lines at which votes of `term` were told to their candidates. */
  grants(term: Term): { readonly line: number; readonly voter: NodeId; readonly candidate: NodeId }[] {
    return [...this.lines.keys()].flatMap((line) => {
      const { kind, node, a, b } = this.lines[line]!;
      if (kind !== "send" || b !== term) return [];
      const message = this.messageAt(line);
      return message?.kind === "vote-reply" && message.granted ? [{ line, voter: node, candidate: a }] : [];
    });
  }

  /** The notes of `node` up to line `k`, the newest first, as far as they say anything of `what`. */
  note<What extends "hard" | "log" | "durable">(
    node: NodeId,
    what: What,
    k = this.end,
  ): NonNullable<Note[What]> | null {
    const found = this.recorder.notes.findLast((one) => one.node === node && one.at <= k && one[what] !== null);
    return found?.[what] ?? null;
  }

  /** Where the entry came from, its maker first: every log that has ever held one of that place. */
  arrivals(index: Index, term?: Term): readonly Arrival[] {
    const all = this.#arrivals.get(index) ?? [];
    return term === undefined ? all : all.filter(({ entry }) => entry.term === term);
  }

  /** The first commit that covers `index`, or -1. */
  commitOf(index: Index): number {
    return this.first(({ kind, a }) => kind === "commit" && a >= index);
  }

  leads(term: Term): string {
    const k = this.leadership(term);
    return k === -1 ? `nobody is known to lead term ${term}` : `n${this.lines[k]!.node} leads term ${term}`;
  }

  /** The entry that was committed there: that of the node which was the first to say so. */
  committedEntry(index: Index): Entry | null {
    const k = this.commitOf(index);
    if (k === -1) return null;
    const by = this.lines[k]!.node;
    const held = this.arrivals(index).filter(({ node, line }) => node === by && line <= k);
    return held.at(-1)?.entry ?? null;
  }

  /** The state of `node` at line `k`: down, and since when, or what its last role line said. */
  roleAt(node: NodeId, k = this.end): { readonly words: string; readonly line: number } {
    const line = this.last(
      (one) => one.node === node && (one.kind === "role" || stops.has(one.kind) || one.kind === "start"),
      k + 1,
    );
    if (line === -1) return { words: "has not started", line };
    const { kind, a, b } = this.lines[line]!;
    if (stops.has(kind)) return { words: "is down", line };
    return { words: kind === "start" ? "is starting" : `is ${roleNames[a]} in term ${b}`, line };
  }

  /** That the entry was made, and by whom. */
  creation(index: Index, term: Term): Cause[] {
    const made = this.arrivals(index, term)[0];
    if (made === undefined) return [];
    const { node, line, entry } = made;
    const text = `n${node}, leader of term ${term}, appends entry ${index} to its log: ${entryWords(entry)}.`;
    return [{ line, text }];
  }

  /** Who else holds the entry, in the order in which it came. */
  copies(index: Index, term: Term): Cause[] {
    const copies = this.arrivals(index, term).slice(1);
    const first = copies.filter(({ node }, k) => copies.findIndex((one) => one.node === node) === k);
    if (first.length === 0) return [{ line: null, text: `No other node gets entry ${index} of term ${term}.` }];
    const nodes = first.map(({ node }) => `n${node}`).join(", ");
    return [{ line: first.at(-1)!.line, text: `Entry ${index} (term ${term}) is replicated to ${nodes}.` }];
  }

  commitment(index: Index): Cause[] {
    const k = this.commitOf(index);
    if (k === -1) return [];
    const { node, a, b } = this.lines[k]!;
    const upTo = a === index ? "" : ` (its commit index goes to ${a})`;
    return [{ line: k, text: `n${node} commits entry ${index}${upTo} in term ${b}.` }];
  }

  /** Why `node` does not hold the entry: the last time that somebody tried to tell it, or why nobody did. */
  missed(node: NodeId, index: Index, term: Term, before = this.end): Cause[] {
    if (this.arrivals(index, term).some((one) => one.node === node && one.line <= before)) return [];
    const isOffer = (message: Message | null): boolean =>
      message?.kind === "append" && message.entries.some((entry) => entry.index === index && entry.term === term);
    const tries = [...this.lines.keys()].filter(
      (k) => k <= before && this.lines[k]!.kind === "send" && this.lines[k]!.a === node && isOffer(this.messageAt(k)),
    );
    const what = `entry ${index} (term ${term})`;
    const tried = tries.at(-1);
    if (tried === undefined) {
      const { words, line } = this.roleAt(node, before);
      return [{ line: line === -1 ? null : line, text: `Nobody sends ${what} to n${node}, which ${words}.` }];
    }
    const { node: from, message } = this.lines[tried]!;
    const fate = this.fateOf(message);
    const why = {
      lost: "is lost on the way",
      cut: `meets a cut link n${from} → n${node}`,
      corrupted: "is corrupted on the way, and dropped",
      late: "has not arrived",
      arrived: "arrives, and is refused or not taken",
    }[fate];
    const times = tries.length === 1 ? "" : ` (the last of ${tries.length})`;
    return [{ line: tried, text: `n${node} never gets ${what}: the AppendEntries of n${from}${times} ${why}.` }];
  }

  /** What befell `node` last, before line `before`. */
  misfortunes(node: NodeId, count: number, before = this.end): Cause[] {
    const found: Cause[] = [];
    for (let k = before; k >= 0 && found.length < count; k--) {
      const line = this.lines[k]!;
      if (line.node === node && misfortuneKinds.has(line.kind)) found.push({ line: k, text: `${wordOf(line)}.` });
    }
    return found.toReversed();
  }
}

const misfortuneKinds: ReadonlySet<string> = new Set([
  ...stops,
  "start",
  "pause",
  "resume",
  "logDamaged",
  "misread",
  "logMissing",
  "segmentMissing",
  "olderCopy",
  "late",
  "newer",
  "clockStall",
  "slow",
  "installed",
]);
