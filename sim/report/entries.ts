/** The entries of all logs of a run, each once, and what they say. */
import { decodeCommand } from "../../core/kv/command.ts";
import { decodeConfiguration } from "../../core/protocol/configuration-codec.ts";
import type { Configuration } from "../../core/protocol/configuration.ts";
import { entryPayload } from "../../core/protocol/entry-codec.ts";
import { type Entry, entryKinds } from "../../core/protocol/entry.ts";
import type { Note } from "../trace/recorder.ts";
import type { PageNote } from "./logs.ts";

/** An entry, as the page shows it. */
export type PageEntry = readonly [index: number, term: number, words: string];

const valueLengthMax = 24;

function nodesWords(ids: readonly number[]): string {
  return ids.length === 0 ? "none" : ids.map((id) => `n${id}`).join(", ");
}

/** "voters n1, n2" and, where there are any, the outgoing ones and the learners. */
export function configurationWords({ voters, outgoing, learners }: Configuration): string {
  const joint = outgoing.length === 0 ? "" : ` joint with ${nodesWords(outgoing)}`;
  return `voters ${nodesWords(voters)}${joint}${learners.length === 0 ? "" : `, learners ${nodesWords(learners)}`}`;
}

/** A value as it is told: quoted, and cut. */
export function valueWords(value: string | null): string {
  if (value === null) return "nothing";
  return value.length > valueLengthMax ? `"${value.slice(0, valueLengthMax)}…"` : `"${value}"`;
}

/** What the entry asks for. */
export function entryWords(entry: Entry): string {
  if (entry.kind === entryKinds.noop) return "no-op";
  if (entry.kind === entryKinds.configuration)
    return `configuration: ${configurationWords(decodeConfiguration(entryPayload(entry)))}`;
  if (entry.kind !== entryKinds.command) return `kind ${entry.kind}`;
  const command = decodeCommand(entryPayload(entry));
  if (command.op === "open-session") return "open session";
  return command.op === "put" ? `put ${command.key} ${valueWords(command.value)}` : `delete ${command.key}`;
}

/** Numbers entries by what they are: the same entry in two logs has one number. */
export class EntryNumbers {
  readonly all: PageEntry[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #known = new WeakMap<Entry, number>();

  of(entry: Entry): number {
    let number = this.#known.get(entry);
    if (number !== undefined) return number;
    const { index, term, crc } = entry;
    const key = `${index}.${term}.${crc}`;
    number = this.#numbers.get(key) ?? this.all.push([index, term, entryWords(entry)]) - 1;
    this.#numbers.set(key, number);
    this.#known.set(entry, number);
    return number;
  }
}

/** A recorder's note for the page, whose first line is the trace's line `from`. */
export function pageNote({ at, node, log, durable, hard }: Note, from: number, numbers: EntryNumbers): PageNote {
  const { base, baseTerm, keep, entries } = log ?? { base: 0, baseTerm: 0, keep: 0, entries: [] };
  return [
    at - from,
    node,
    log === null ? 0 : [base, baseTerm, keep, ...entries.map((entry) => numbers.of(entry))],
    durable,
    hard === null ? 0 : [hard.term, hard.vote, hard.durableTerm, hard.durableVote],
  ];
}
