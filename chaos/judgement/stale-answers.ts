/**
 * Whether each stale read's answer was a state of the store at the revision that it names. A write whose outcome is unknown
 * excuses little: it took effect once, at a revision above all that were answered before it was called, or never.
 */
import type { Operation } from "../../checker/index.ts";
import type { StaleAnswer } from "../workload/history.ts";

type Write = { readonly revision: number; readonly value: string | null };
/** Its revision, if it has one, is above `above`. */
type Open = { readonly value: string | null; readonly above: number; readonly call: number };

/** What is known of one key. */
type Row = {
  /** By revision, rising. */
  readonly writes: Write[];
  readonly open: Open[];
  /** What linearizable reads saw. */
  readonly reads: Write[];
};

/** What a write leaves in its key. */
function left(operation: Operation): string | null {
  return operation.op === "cas" ? operation.value[1] : operation.value;
}

/** The highest revision that had been answered, by anything, before each time that is asked for. */
class Answered {
  readonly #times: number[] = [];
  readonly #highest: number[] = [];

  constructor(operations: readonly Operation[]) {
    const answers = operations
      .filter(({ revision, return: end }) => revision !== undefined && end !== null)
      .toSorted((a, b) => a.return! - b.return!);
    for (const { revision, return: end } of answers) {
      this.#times.push(end!);
      this.#highest.push(Math.max(this.#highest.at(-1) ?? 0, revision!));
    }
  }

  before(time: number): number {
    let [low, high] = [0, this.#times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#times[middle]! < time) low = middle + 1;
      else high = middle;
    }
    return this.#highest[low - 1] ?? 0;
  }
}

function rowsOf(operations: readonly Operation[]): Map<string, Row> {
  const answered = new Answered(operations);
  const rows = new Map<string, Row>();
  for (const operation of operations) {
    const { key, op, outcome, revision, call } = operation;
    const row = rows.get(key) ?? { writes: [], open: [], reads: [] };
    rows.set(key, row);
    if (outcome === "none" || outcome === "mismatch") continue;
    if (op === "get") {
      if (outcome === "ok" && revision !== undefined) row.reads.push({ revision, value: operation.value });
    } else if (outcome === "ok" && revision !== undefined) row.writes.push({ revision, value: left(operation) });
    else row.open.push({ value: left(operation), above: answered.before(call), call });
  }
  for (const { writes } of rows.values()) writes.sort((a, b) => a.revision - b.revision);
  return rows;
}

function newestAt({ writes }: Row, revision: number): Write | undefined {
  return writes.findLast((write) => write.revision <= revision);
}

/** The next known write after `revision`; Infinity: there is none. */
function nextAfter({ writes }: Row, revision: number): number {
  return writes.find((write) => write.revision > revision)?.revision ?? Infinity;
}

/** Whether a put of unknown outcome may have left the value that `answer` has; the newest known write is at `newest`. */
function mayHold(
  row: Row,
  value: string,
  newest: number,
  { key, revision }: StaleAnswer,
  stale: readonly StaleAnswer[],
): boolean {
  const put = row.open.find((one) => one.value === value);
  if (put === undefined || put.above >= revision!) return false;
  // It took effect once: where it was seen before the newest known write, that write has replaced it.
  const isSeen = (seen: { readonly value: string | null; readonly revision?: number | undefined }): boolean =>
    seen.value === value && seen.revision !== undefined && seen.revision < newest;
  return !row.reads.some(isSeen) && !stale.some((one) => one.key === key && isSeen(one));
}

/** Absences of a key that only an unknown delete explains: each delete explains those between two known writes. */
class UnknownDeletes {
  readonly #row: Row;
  readonly #free: Open[];
  /** Stretches that a delete explains, by the revision of the known write at their beginning. */
  readonly #explained = new Set<number>();

  constructor(row: Row) {
    this.#row = row;
    this.#free = row.open.filter(({ value }) => value === null).toSorted((a, b) => a.above - b.above);
    // What linearizable reads found is true, and has used its delete. A compare-and-set says nothing of absence.
    for (const { value, revision } of row.reads.toSorted((a, b) => a.revision - b.revision)) {
      const newest = newestAt(row, revision);
      if (value === null && newest !== undefined && newest.value !== null) this.explains(newest, revision, Infinity);
    }
  }

  /** Whether an unknown delete, called before `until`, may have taken effect between the known write and `revision`. */
  explains({ revision: from, value }: Write, revision: number, until: number): boolean {
    if (this.#explained.has(from)) return true;
    const next = nextAfter(this.#row, from);
    const seenAt = this.#row.reads
      .filter((read) => read.value === value && read.revision >= from && read.revision < next)
      .reduce((most, read) => Math.max(most, read.revision), from);
    // What held its value at this revision or later was not deleted before.
    if (seenAt >= revision) return false;
    // The highest that will do: fewer other stretches can have it.
    const at = this.#free.findLastIndex(({ above, call }) => above < revision && call < until);
    if (at < 0) return false;
    this.#free.splice(at, 1);
    this.#explained.add(from);
    return true;
  }
}

const problemsMax = 10;

/** What is wrong, as sentences; at most ten. `operations`: also those that have no answer yet. `refused`: values whose writes certainly did not happen. */
export function staleProblems(
  { operations, stale }: { readonly operations: readonly Operation[]; readonly stale: readonly StaleAnswer[] },
  refused: ReadonlySet<string>,
): string[] {
  const rows = rowsOf(operations);
  const deletes = new Map<string, UnknownDeletes>();
  const problems: string[] = [];
  for (const answer of stale.toSorted((a, b) => (a.revision ?? 0) - (b.revision ?? 0))) {
    if (problems.length >= problemsMax) break;
    const { member, key, value, revision } = answer;
    const said = `n${member} answered a stale read of ${key} with ${value ?? "its absence"}`;
    if (value !== null && refused.has(value)) problems.push(`${said}, whose write was refused as certain`);
    else if (revision === undefined || revision === 0) problems.push(`${said} at no revision: it cannot know`);
    else {
      const row = rows.get(key) ?? { writes: [], open: [], reads: [] };
      const newest = newestAt(row, revision);
      if ((newest?.value ?? null) === value) continue;
      const own = deletes.get(key) ?? new UnknownDeletes(row);
      deletes.set(key, own);
      const isExcused =
        value === null
          ? own.explains(newest!, revision, answer.return)
          : mayHold(row, value, newest?.revision ?? 0, answer, stale);
      if (!isExcused) problems.push(`${said} at revision ${revision}, where it held ${newest?.value ?? "nothing"}`);
    }
  }
  return problems;
}
