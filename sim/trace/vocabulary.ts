/** What a trace can say: the kinds of its lines, their words, and the names of the numbers in them. */
import type { Change } from "../../core/protocol/configuration.ts";
import { changeKinds, messageKinds, namesByNumber } from "../../core/protocol/message-kinds.ts";
import type { Message } from "../../core/protocol/message.ts";

/** Kinds of trace lines and the words of their numbers a, b, c. */
export const words = {
  send: "n{n} sends {m} to n{a}{t}",
  receive: "n{n} receives {m} from n{a}{t}",
  role: "n{n} is {r} in term {b}, {l}",
  commit: "n{n} commits up to {a} (term {b})",
  applied: "n{n} has applied up to {a} (term {b})",
  durable: "n{n} log durable up to {a}",
  readIndex: "n{n} grants read index {a}, applied {b}",
  installed: "n{n} has installed the snapshot {a} (term {b})",
  snapshot: "n{n} has a durable snapshot {a} (term {b})",
  change: "operator asks n{n}: {o} n{b}",
  changed: "n{n} answers the operator's {o} request: {y}",
  wipe: "n{n} is replaced by an empty machine",
  start: "n{n} starts, boot {a}",
  powerCut: "n{n} loses power",
  kill: "n{n} is killed",
  logDamaged: "n{n} has a damaged log",
  rowsLost: "n{n} loses power, and rows that had been synced",
  pause: "n{n} pauses for {a} us",
  resume: "n{n} resumes",
  ended: "n{n} exits",
  block: "link n{n} -> n{a} is blocked for {b} us",
  clientBlock: "client {n} is cut off from n{a} for {b} us",
  call: "client {n} calls operation {a} on n{b}",
  return: "client {n} operation {a} returns: {w}",
  phase: "liveness phase: a core of {b} nodes is healed",
  clog: "link n{n} -> n{a} is clogged for {b} us",
  reset: "the stream n{n} -> n{a} is reset",
  slow: "n{n} is slow for {a} us, a turn each {b} us",
  clockStall: "the clock of n{n} is frozen for {a} us",
  newer: "n{n} has a directory of a newer format",
  misread: "n{n} will misread its log once",
  logMissing: "n{n} has lost every segment of its log",
  gracefulStop: "n{n} is asked to stop",
  stopped: "n{n} has stopped",
  moved: "n{n} is at another address",
  stranger: "a stranger connects to n{n}",
  segmentMissing: "n{n} has lost segment {a} of its log",
  olderCopy: "the directory of n{n} is put back from an older copy",
  late: "n{n} restarts twice, and messages of the boot between are late, up to {a} us",
  unblock: "link n{n} -> n{a} is healed",
} as const;
/** What a line says; its number is its place in `kinds`, and part of the hash. */
export type TraceKind = keyof typeof words;
/** At the number that the hash and the ring have for it. */
export const kinds = Object.keys(words) as TraceKind[];
/** The number of each kind. */
export const kindCodes = new Map(kinds.map((kind, code) => [kind, code]));

/** At the code that the fact "role" and a trace line have for it. */
export const roleNames = ["follower", "pre-candidate", "candidate", "leader"];
/** The code of the role "leader" in the fact "role". */
export const leaderRole = roleNames.indexOf("leader");
/** At the number that a trace line has for it. */
export const changeNames: readonly string[] = namesByNumber(changeKinds).map((name) => name ?? "");
/** How a client's operation returned, at the number that a trace line has for it. */
export const outcomeNames = ["ok", "failed", "indeterminate"] as const;
/** At the number that a trace line has for it. */
export const messageNames: readonly string[] = namesByNumber(messageKinds).map((name) => name ?? "");

/** The number of a change's kind on the wire, which its trace lines repeat. */
export function changeCode(kind: Change["kind"]): number {
  return changeKinds[kind];
}

/** The number of a message's kind on the wire, which its trace lines repeat. */
export function messageCode(kind: Message["kind"]): number {
  return messageKinds[kind];
}

/** "250 ms", "1.5 s". */
function duration(micros: number): string {
  if (micros >= 1_000_000) return `${Number((micros / 1_000_000).toFixed(3))} s`;
  return micros >= 1_000 ? `${Number((micros / 1_000).toFixed(1))} ms` : `${micros} us`;
}

/** One line of a trace in words, without its time. */
export function wordOf({
  kind,
  node,
  a,
  b,
  c,
}: {
  kind: TraceKind;
  node: number;
  a: number;
  b: number;
  c: number;
}): string {
  return words[kind]
    .replace("{n}", String(node))
    .replace("{m}", messageNames[c] ?? "")
    .replace("{r}", roleNames[a] ?? "")
    .replace("{o}", changeNames[a] ?? "")
    .replace("{w}", outcomeNames[b] ?? "")
    .replace("{y}", b === 1 ? "done" : "not done")
    .replace("{t}", b === 0 ? "" : ` term ${b}`)
    .replace("{l}", c === 0 ? "no leader" : `leader n${c}`)
    .replace("{a}", String(a))
    .replace("{b}", String(b))
    .replace("{c}", String(c))
    .replaceAll(/\b(\d+) us\b/g, (_, micros: string) => duration(Number(micros)));
}
