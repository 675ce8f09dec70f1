/** Messages for the page: the numbers that matter in each, and their words as the Raft paper has them. Its script uses it, too. */
import type { Message } from "../../core/protocol/message.ts";
import type { Fate } from "../trace/recorder.ts";

/** What the message says, by its kind as `messageWords` reads it. */
export type PageMessage = readonly number[];

/** Fates by their number in a page's message; 0: the message arrived, or may still arrive. */
export const fateNames: readonly (Fate | "")[] = ["", "lost", "cut", "corrupted"];

/** The numbers of `message`, in the order in which `messageWords` reads them. */
export function fieldsOf(message: Message): PageMessage {
  switch (message.kind) {
    case "append": {
      const { prevIndex, prevTerm, commit, entries } = message;
      return [prevIndex, prevTerm, commit, entries.length, entries.at(-1)?.term ?? 0];
    }
    case "append-reply":
      return [message.success ? 1 : 0, message.matchIndex, message.prevIndex, message.hintIndex, message.hintTerm];
    case "vote":
    case "pre-vote":
      return [message.lastIndex, message.lastTerm];
    case "vote-reply":
    case "pre-vote-reply":
      return [message.granted ? 1 : 0];
    case "snapshot-chunk":
      return [message.index, message.lastTerm, message.offset, message.bytes.length, message.totalBytes];
    case "snapshot-reply":
      return [message.index, message.offset];
    case "snapshot-wanted":
    case "read-reply":
      return [message.index];
    case "forward":
      return [message.proposals.length];
    case "forward-refused":
    case "read":
    case "timeout-now":
    case "change":
    case "change-reply":
    case "bootstrap-hello":
    case "bootstrap-reply":
    case "join-request":
    case "join-accepted":
    case "removed":
    case "rebind-pending":
    case "directory-check":
    case "directory-confirmed":
    case "bind-request":
    case "learned-address":
      return [];
    default:
      return message satisfies never;
  }
}

/** "entry 5", "entries 5 to 7". */
export function entriesWords(first: number, count: number): string {
  return count === 1 ? `entry ${first}` : `entries ${first} to ${first + count - 1}`;
}

/** `kind` as the trace names it; `term`: the message's, 0 where it has none. */
export function messageWords(kind: string, term: number, fields: PageMessage): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = fields;
  const inTerm = term === 0 ? "" : ` (term ${term})`;
  switch (kind) {
    case "append":
      return `AppendEntries${inTerm}: ${d === 0 ? "heartbeat" : `${entriesWords(a + 1, d)}${e === term ? "" : ` of terms up to ${e}`}`}, prev (${a}, term ${b}), commit ${c}`;
    case "append-reply":
      return a === 1
        ? `AppendEntries reply${inTerm}: success, match index ${b}`
        : `AppendEntries reply${inTerm}: refused at ${c}, try (${d}, term ${e})`;
    case "vote":
    case "pre-vote":
      return `${kind === "vote" ? "RequestVote" : "PreVote"}${inTerm}: last log entry (${a}, term ${b})`;
    case "vote-reply":
    case "pre-vote-reply":
      return `${kind === "vote-reply" ? "RequestVote" : "PreVote"} reply${inTerm}: ${a === 1 ? "granted" : "refused"}`;
    case "snapshot-chunk":
      return `InstallSnapshot${inTerm}: up to (${a}, term ${b}), bytes ${c} to ${c + d} of ${e}`;
    case "snapshot-reply":
      return `InstallSnapshot reply${inTerm}: ${b} bytes of snapshot ${a}`;
    case "snapshot-wanted":
      return `wants a snapshot beyond ${a}`;
    case "timeout-now":
      return `TimeoutNow${inTerm}: campaign at once`;
    case "forward":
      return `forwards ${a} ${a === 1 ? "write" : "writes"}${inTerm}`;
    case "read":
      return "ReadIndex request";
    case "read-reply":
      return `ReadIndex reply: ${a}`;
    default:
      return `${kind}${inTerm}`;
  }
}
