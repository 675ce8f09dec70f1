/**
 * What a line of the trace says beyond its numbers: what a message holds, and what a client asks and is told. It is worded
 * only when somebody looks, and no part of the trace's hash.
 */
import { decodeCommand, type Command } from "../../core/kv/command.ts";
import { type Entry, entryKinds, type Proposal } from "../../core/protocol/entry.ts";
import { entryPayload } from "../../core/protocol/entry-codec.ts";
import type { Append, Message } from "../../core/protocol/message.ts";

/** A client's call on one key, with what it writes, or expects and writes. */
export type Call = {
  readonly kind: "call";
  readonly op: "get" | "put" | "delete" | "cas" | "open-session";
  readonly key: string;
  readonly value: string | null;
  readonly expected: string | null;
};
/** What a client has been told: a row's value and the revision at which it was so; null: nothing. */
export type Answer = {
  readonly kind: "answer";
  readonly op: Call["op"];
  readonly outcome: "ok" | "mismatch" | "none" | "unknown";
  readonly value: string | null;
  readonly revision: number;
};
/** What a line may have beside its numbers. */
export type Detail = Message | Call | Answer;

const valueCharactersMax = 16;
const entriesMax = 3;

/** A key or a value: as it is where it is a plain word, else quoted; a long one is cut. */
export function shortText(text: string): string {
  const cut = text.length > valueCharactersMax ? `${text.slice(0, valueCharactersMax - 3)}...` : text;
  return /^[\w.-]+$/.test(cut) ? cut : JSON.stringify(cut);
}

function shortValue(value: string | null): string {
  return value === null ? "nothing" : shortText(value);
}

function wordsOfCommand(command: Command): string {
  if (command.op === "open-session") return "open-session";
  const { op, key, condition } = command;
  const written = op === "put" ? `${shortText(key)} = ${shortText(command.value)}` : shortText(key);
  if (condition.kind === "none") return `${op} ${written}`;
  return `${op} ${written} if ${condition.kind === "revision" ? `at revision ${condition.revision}` : condition.kind}`;
}

function wordsOfPayload(kind: number, payload: Uint8Array): string {
  if (kind === entryKinds.noop) return "no-op";
  if (kind === entryKinds.configuration) return "configuration";
  try {
    return wordsOfCommand(decodeCommand(payload));
  } catch {
    return `an entry of kind ${kind}`;
  }
}

/** An entry's command, without its place. */
export function wordsOfEntry(entry: Entry): string {
  return wordsOfPayload(entry.kind, entryPayload(entry));
}

/** The first few, and how many follow. */
function listed(words: readonly string[]): string {
  const more = words.length - entriesMax;
  return more > 0 ? `${words.slice(0, entriesMax).join(", ")}, and ${more} more` : words.join(", ");
}

function place(index: number, term: number): string {
  return `(${index}, term ${term})`;
}

function wordsOfAppend({ prevIndex, prevTerm, commit, entries, term }: Append): string {
  const words = entries.map(
    (entry) => `${entry.index} ${wordsOfEntry(entry)}${entry.term === term ? "" : ` of term ${entry.term}`}`,
  );
  return `prev ${place(prevIndex, prevTerm)}, commit ${commit}, ${words.length === 0 ? "no entries" : listed(words)}`;
}

function wordsOfProposals(proposals: readonly Proposal[]): string {
  return listed(proposals.map(({ kind, payload, origin }) => `#${origin.seq} ${wordsOfPayload(kind, payload)}`));
}

/** Empty where there is nothing to say beyond the kind and the term. */
export function wordsOfMessage(message: Message): string {
  switch (message.kind) {
    case "pre-vote":
    case "vote":
      return `its log ends at ${place(message.lastIndex, message.lastTerm)}`;
    case "pre-vote-reply":
    case "vote-reply":
      return message.granted ? "granted" : "refused";
    case "append":
      return wordsOfAppend(message);
    case "append-reply":
      return message.success
        ? `durable and the same up to ${message.matchIndex}`
        : `refused: not the same at ${message.prevIndex}, perhaps at ${place(message.hintIndex, message.hintTerm)}`;
    case "forward":
      return wordsOfProposals(message.proposals);
    case "forward-refused":
      return `#${message.firstSeq}${message.count === 1 ? "" : ` to #${message.firstSeq + message.count - 1}`} of boot ${message.boot}`;
    case "read":
      return `request ${message.id}`;
    case "read-reply":
      return `request ${message.id}: read at index ${message.index}`;
    case "snapshot-chunk":
      return `snapshot ${place(message.index, message.lastTerm)}, bytes ${message.offset} to ${message.offset + message.bytes.length} of ${message.totalBytes}`;
    case "snapshot-reply":
      return `snapshot ${message.index}: holds ${message.offset} bytes`;
    case "snapshot-wanted":
      return `one of ${message.index} or later`;
    case "join-request":
      return message.lost === "" ? "" : "its log is lost";
    case "removed":
      return message.reason;
    case "rebind-pending":
      return message.standing;
    case "change":
      return `${message.change.kind} n${message.change.id}`;
    case "change-reply":
      return message.outcome;
    case "bind-request":
    case "learned-address":
      return `n${message.node}`;
    case "directory-check":
    case "directory-confirmed":
    case "join-accepted":
    case "timeout-now":
    case "bootstrap-hello":
    case "bootstrap-reply":
      return "";
    default:
      return message satisfies never;
  }
}

function wordsOfCall({ op, key, value, expected }: Call): string {
  if (op === "open-session") return op;
  if (op === "put") return `put ${shortText(key)} = ${shortValue(value)}`;
  if (op === "cas") return `cas ${shortText(key)} from ${shortValue(expected)} to ${shortValue(value)}`;
  return `${op} ${shortText(key)}`;
}

function wordsOfAnswer({ op, outcome, value, revision }: Answer): string {
  if (outcome === "mismatch") return `compared, and not so at revision ${revision}`;
  if (outcome !== "ok") return "";
  return op === "get" ? `${shortValue(value)} at revision ${revision}` : `revision ${revision}`;
}

/** Empty where the line's own words say it all. */
export function wordsOfDetail(detail: Detail): string {
  if (detail.kind === "call") return wordsOfCall(detail);
  return detail.kind === "answer" ? wordsOfAnswer(detail) : wordsOfMessage(detail);
}
