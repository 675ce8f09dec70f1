/**
 * What the operator is told of peer streams that are closed for what somebody said on them. Anybody can say other things
 * each time, so that no two lines are alike: there is a bound on the lines of a minute.
 */
import type { Log } from "./log.ts";

const minuteMs = 60_000;
const linesMax = 20;

/** One for each process. At most about 20 different lines are told in a minute. */
export class ClosedStreams {
  readonly #log: Log;
  readonly #nowMs: () => number;
  #minuteBegan = -Infinity;
  /** What was told since then: the log itself holds back repetitions. */
  readonly #told = new Set<string>();

  /** `nowMs` is monotonic. */
  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** No port is named: the same cause gives the same line. */
  tell(address: string, why: string): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#minuteBegan >= minuteMs) {
      this.#minuteBegan = nowMs;
      this.#told.clear();
    }
    const text = `a peer stream from ${address} is closed: ${why}`;
    if (this.#told.has(text)) return this.#log("warn", text);
    if (this.#told.size > linesMax) return;
    this.#told.add(text);
    if (this.#told.size <= linesMax) this.#log("warn", text);
    else
      this.#log(
        "warn",
        `more peer streams are closed, for more reasons than ${linesMax}: the next are told in a minute`,
      );
  }
}
