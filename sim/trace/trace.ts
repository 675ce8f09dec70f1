/**
 * What happened, as integers: a rolling hash over everything, and the last events in a ring, worded only when somebody
 * looks. Two runs are the same run exactly when their hashes are equal.
 */
import type { Micros } from "../../core/units.ts";
import { mix } from "../draws.ts";
import { type Detail, wordsOfDetail } from "./details.ts";
import type { Recorder } from "./recorder.ts";
import { kindCodes, kinds, type TraceKind, wordOf } from "./vocabulary.ts";

const width = 6;
/** Lines that are kept, with what they are about: as many as a failure is told with, and some. */
const ringLines = 64;

/** The trace of one run. Its hash is over the numbers of every line; names, words and details are no part of it. */
export class Trace {
  #hashLow = 0x12345678;
  #hashHigh = 0x9abcdef0 | 0;
  readonly #ring = new Float64Array(width * ringLines);
  readonly #details: (Detail | null)[] = Array.from({ length: ringLines }, () => null);
  #lines = 0;
  /** Called with each line as it happens, for `--trace`. */
  readonly #print: ((line: string) => void) | null;
  readonly #recorder: Recorder | null;

  constructor(print: ((line: string) => void) | null, recorder: Recorder | null) {
    this.#print = print;
    this.#recorder = recorder;
  }

  /** Lines so far. */
  get count(): number {
    return this.#lines;
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

  /** `detail` is told with the line, and is not hashed. */
  line(time: Micros, kind: TraceKind, node: number, a = 0, b = 0, c = 0, detail: Detail | null = null): void {
    const code = kindCodes.get(kind)!;
    const slot = this.#lines % ringLines;
    const at = slot * width;
    this.#ring[at] = time;
    this.#ring[at + 1] = code;
    this.#ring[at + 2] = node;
    this.#ring[at + 3] = a;
    this.#ring[at + 4] = b;
    this.#ring[at + 5] = c;
    this.#details[slot] = detail;
    this.#lines += 1;
    this.#hashLow = mix(mix(mix(this.#hashLow, node * 64 + code), a), b);
    this.#hashHigh = mix(this.#hashHigh ^ this.#hashLow, c);
    this.#recorder?.line(time, kind, node, a, b, c);
    if (this.#print !== null) this.#print(this.#word(slot));
  }

  /** The last `count` lines, worded; at most those that are kept. */
  last(count: number): string[] {
    const first = Math.max(0, this.#lines - Math.min(count, ringLines));
    const lines: string[] = [];
    for (let k = first; k < this.#lines; k++) lines.push(this.#word(k % ringLines));
    return lines;
  }

  #word(slot: number): string {
    const [time, code, node, a, b, c] = this.#ring.subarray(slot * width, (slot + 1) * width);
    const text = wordOf({ kind: kinds[code!]!, node: node!, a: a!, b: b!, c: c! });
    const detail = this.#details[slot] ?? null;
    const more = detail === null ? "" : wordsOfDetail(detail);
    return `${(time! / 1e6).toFixed(6).padStart(11)} s  ${text}${more === "" ? "" : `: ${more}`}`;
  }
}
