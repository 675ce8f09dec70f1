/**
 * What happened, as integers: a rolling hash over everything, and the last events in a ring, worded only when somebody
 * looks. Two runs are the same run exactly when their hashes are equal.
 */
import type { Change } from "../../core/protocol/configuration.ts";
import { changeKinds, messageKinds, namesByNumber } from "../../core/protocol/message-kinds.ts";
import type { Message } from "../../core/protocol/message.ts";
import type { Micros } from "../../core/units.ts";
import { mix } from "../draws.ts";
import type { Recorder } from "../report/record.ts";

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
} as const;
export type TraceKind = keyof typeof words;
const kinds = Object.keys(words) as TraceKind[];
const kindCodes = new Map(kinds.map((kind, code) => [kind, code]));

export const roleNames = ["follower", "pre-candidate", "candidate", "leader"];
export const changeNames: readonly string[] = namesByNumber(changeKinds).map((name) => name ?? "");
/** How a client's operation returned, at the number that a trace line has for it. */
export const outcomeNames = ["ok", "failed", "indeterminate"] as const;
/** At the number that a trace line has for it. */
export const messageNames: readonly string[] = namesByNumber(messageKinds).map((name) => name ?? "");

export function changeCode(kind: Change["kind"]): number {
  return changeKinds[kind];
}

export function messageCode(kind: Message["kind"]): number {
  return messageKinds[kind];
}

const width = 6;
const ringLines = 20_000;

export class Trace {
  #hashLow = 0x12345678;
  #hashHigh = 0x9abcdef0 | 0;
  readonly #ring = new Float64Array(width * ringLines);
  #lines = 0;
  /** Called with each line as it happens, for `--trace`. */
  readonly #print: ((line: string) => void) | null;
  readonly #recorder: Recorder | null;

  constructor(print: ((line: string) => void) | null, recorder: Recorder | null) {
    this.#print = print;
    this.#recorder = recorder;
  }

  /** 16 hex digits over everything so far. */
  get hash(): string {
    return (this.#hashHigh >>> 0).toString(16).padStart(8, "0") + (this.#hashLow >>> 0).toString(16).padStart(8, "0");
  }

  /** Every event of the queue goes into the hash, even if it leaves no line. */
  event(time: Micros, tie: number, code: number): void {
    this.#hashLow = mix(mix(this.#hashLow, time), tie);
    this.#hashHigh = mix(this.#hashHigh ^ this.#hashLow, code);
  }

  line(time: Micros, kind: TraceKind, node: number, a = 0, b = 0, c = 0): void {
    const code = kindCodes.get(kind)!;
    const at = (this.#lines % ringLines) * width;
    this.#ring[at] = time;
    this.#ring[at + 1] = code;
    this.#ring[at + 2] = node;
    this.#ring[at + 3] = a;
    this.#ring[at + 4] = b;
    this.#ring[at + 5] = c;
    this.#lines += 1;
    this.#hashLow = mix(mix(mix(this.#hashLow, node * 64 + code), a), b);
    this.#hashHigh = mix(this.#hashHigh ^ this.#hashLow, c);
    this.#recorder?.line(time, kind, node, a, b, c);
    if (this.#print !== null) this.#print(this.#word(at));
  }

  /** The last `count` lines, worded. */
  last(count: number): string[] {
    const first = Math.max(0, this.#lines - Math.min(count, ringLines));
    const lines: string[] = [];
    for (let k = first; k < this.#lines; k++) lines.push(this.#word((k % ringLines) * width));
    return lines;
  }

  #word(at: number): string {
    const [time, code, node, a, b, c] = this.#ring.subarray(at, at + width);
    const text = wordOf({ kind: kinds[code!]!, node: node!, a: a!, b: b!, c: c! });
    return `${(time! / 1e6).toFixed(6).padStart(11)} s  ${text}`;
  }
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
    .replace("{c}", String(c));
}
