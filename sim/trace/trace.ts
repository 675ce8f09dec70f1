/**
 * What happened, as integers: a rolling hash over everything, and the last events in a ring, worded only when somebody
 * looks. Two runs are the same run exactly when their hashes are equal.
 */
import type { Micros } from "../../core/units.ts";
import { mix } from "../draws.ts";
import type { Recorder } from "./recorder.ts";
import { kindCodes, kinds, type TraceKind, wordOf } from "./vocabulary.ts";

const width = 6;
const ringLines = 20_000;

/** The trace of one run. Its hash is over every line; names and words are no part of it. */
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
