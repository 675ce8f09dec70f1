/**
 * What clients asked and were told, in the checker's own terms, with what it shows at once: stale reads, latencies, gaps.
 * Times are integer microseconds since `begin`, when the cluster was founded and the first operation could be asked.
 */
import { check, type History, type Operation, type Verdict } from "../../checker/index.ts";
import { OnlineChecker } from "../../checker/online.ts";
import { timesOf } from "../../checker/times.ts";

/** What happened in one second of the run. */
export type Second = { ok: number; refused: number; unknown: number; latencyMaxMs: number; latencySumMs: number };

/** A stale read's answer: a state that was, of some revision. */
export type StaleAnswer = {
  readonly member: number;
  readonly key: string;
  readonly value: string | null;
  /** Undefined where the answer did not say it. */
  readonly revision: number | undefined;
  readonly call: number;
  readonly return: number;
};

/** A request that a member which ran, and was not told to stop, has refused or never answered; micros. */
export type Denial = { readonly at: number; readonly kind: "refused" | "lost" };

type Unanswered<Any> = Any extends Operation ? Omit<Any, "return" | "outcome" | "revision"> : never;
/** An operation whose answer has not come. */
export type OpenCall = Unanswered<Operation>;
type Pending = { readonly operation: OpenCall; readonly mark: number };

/** Checks in between look at keys of this long. */
const recentMicros = 90_000_000;

/** The history of one run, kept whole in memory. */
export class Recorder {
  #beganMs: number | null = null;
  #endedAt: number | null = null;
  readonly operations: Operation[] = [];
  readonly stale: StaleAnswer[] = [];
  readonly denials: Denial[] = [];
  readonly seconds: Second[] = [];
  readonly #online = new OnlineChecker();
  readonly #pending = new Set<Pending>();
  readonly #onFinding: (kind: string, text: string) => void;
  /** When each write was acknowledged, in micros; in order. */
  readonly acknowledged: number[] = [];

  constructor(onFinding: (kind: string, text: string) => void) {
    this.#onFinding = onFinding;
  }

  /** From here on its times count. */
  begin(): void {
    this.#beganMs = performance.now();
  }

  /** No more writes are asked for: what follows is no gap. */
  end(): void {
    this.#endedAt = this.now();
  }

  /** 0 before it began. */
  now(): number {
    return this.#beganMs === null ? 0 : Math.round((performance.now() - this.#beganMs) * 1000);
  }

  /** The operation is called now. What is returned goes to `answered`. */
  called(operation: OpenCall): Pending {
    const pending = { operation, mark: this.#online.called(operation.key) };
    this.#pending.add(pending);
    return pending;
  }

  /** It has ended now. `value`: what a get read. */
  answered(pending: Pending, outcome: Operation["outcome"], value: string | null, revision: number | undefined): void {
    this.#pending.delete(pending);
    const now = this.now();
    const told = revision === undefined || outcome === "none" || outcome === "unknown" ? {} : { revision };
    const read = pending.operation.op === "get" ? { value } : {};
    const end = outcome === "unknown" ? null : now;
    const operation = { ...pending.operation, ...read, return: end, outcome, ...told } as Operation;
    this.operations.push(operation);
    this.#count(operation, now);
    const wrong = this.#online.answered(operation, pending.mark);
    if (wrong !== null) this.#onFinding("linearizability", wrong);
  }

  #count({ call, op, outcome }: Operation, now: number): void {
    const second = this.#secondAt(now);
    const isOk = outcome === "ok" || outcome === "mismatch";
    second[isOk ? "ok" : outcome === "none" ? "refused" : "unknown"] += 1;
    if (!isOk) return;
    const latencyMs = (now - call) / 1000;
    second.latencyMaxMs = Math.max(second.latencyMaxMs, latencyMs);
    second.latencySumMs += latencyMs;
    if (op !== "get" && outcome === "ok") this.acknowledged.push(now);
  }

  #secondAt(now: number): Second {
    const at = Math.floor(now / 1e6);
    while (this.seconds.length <= at)
      this.seconds.push({ ok: 0, refused: 0, unknown: 0, latencyMaxMs: 0, latencySumMs: 0 });
    return this.seconds[at]!;
  }

  /** All of it, with what is still open as unknown, in the order of the calls. */
  history(): History {
    const open = [...this.#pending].map(({ operation }): Operation => ({
      ...operation,
      return: null,
      outcome: "unknown",
    }));
    return [...this.operations, ...open].toSorted((a, b) => a.call - b.call);
  }

  /** Decides what was called lately, or everything. */
  check(isWhole: boolean, budgetMs: number): { readonly history: History; readonly verdict: Verdict } {
    const since = isWhole ? -1 : this.now() - recentMicros;
    const all = this.history();
    const old = new Set(all.filter(({ call }) => call < since).map((one) => (one as Operation).key));
    const history = all.filter((one) => !old.has((one as Operation).key));
    const until = performance.now() + budgetMs;
    const options = { times: timesOf("us"), shouldStop: () => performance.now() > until };
    return { history, verdict: check(history, options) };
  }

  /** The longest time without an acknowledged write, from the beginning to the end, and where it began; micros. */
  longestGap(): { readonly from: number; readonly micros: number } {
    return longestGapOf(this.acknowledged, this.#endedAt ?? this.now());
  }

  /** Micros from `since` to the first acknowledgement of a write that was called at or after it; null: there is none. */
  firstAcknowledgedAfter(since: number): number | null {
    const later = this.operations.find(({ op, outcome, call }) => op !== "get" && outcome === "ok" && call >= since);
    return later === undefined ? null : later.return! - since;
  }
}

/** The longest gap between rising times, from 0 to `end`: an outage at the start or at the end is a gap too. */
export function longestGapOf(acknowledged: readonly number[], end: number): { from: number; micros: number } {
  let longest = { from: 0, micros: 0 };
  let from = 0;
  for (const to of [...acknowledged, end]) {
    if (to - from > longest.micros) longest = { from, micros: to - from };
    from = to;
  }
  return longest;
}
