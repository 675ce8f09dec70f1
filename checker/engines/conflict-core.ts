/** From the few operations that contradict each other to a set that is illegal by itself. */
import { absent, type ColumnarHistory, kinds } from "./columnar-history.ts";

/**
 * `extremal` with the writers of all they mention, along the chains of compare-and-sets to where those begin; and with one
 * observer of each write of unknown outcome, without which it need not have happened. Indices, in order of their calls.
 */
export function conflictCore(column: ColumnarHistory, writer: Int32Array, extremal: readonly number[]): number[] {
  const { kind, value, expected, end, call } = column;
  const all = new Set<number>();
  const open = [...extremal];
  const isObserver = (i: number, of: number): boolean =>
    (kind[i] === kinds.get && value[i] === of) ||
    (kind[i] === kinds.cas && expected[i] === of && (end[i] !== Infinity || all.has(i)));
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    if (all.has(i)) continue;
    all.add(i);
    const seen = kind[i] === kinds.cas ? expected[i]! : kind[i] === kinds.get ? value[i]! : absent;
    if (seen !== absent && writer[seen] !== -1) open.push(writer[seen]!);
    if (!column.isWrite(i) || end[i] !== Infinity) continue;
    const of = value[i]!;
    if ([...all, ...open].some((other) => other !== i && isObserver(other, of))) continue;
    const observer = observerOf(column, of, new Set());
    if (observer !== -1) open.push(observer);
  }
  return [...all].toSorted((a, b) => call[a]! - call[b]! || a - b);
}

/**
 * The operation that shows that value `of` was there: a read, a compare-and-set that happened, or a compare-and-set of
 * unknown outcome whose own value is shown; -1: none.
 */
function observerOf(column: ColumnarHistory, of: number, passed: Set<number>): number {
  const { kind, value, expected, end, length } = column;
  passed.add(of);
  for (let i = 0; i < length; i++) {
    if (kind[i] === kinds.get ? value[i] === of : kind[i] === kinds.cas && expected[i] === of && end[i] !== Infinity)
      return i;
  }
  for (let i = 0; i < length; i++) {
    const isLink = kind[i] === kinds.cas && expected[i] === of && !passed.has(value[i]!);
    if (isLink && observerOf(column, value[i]!, passed) !== -1) return i;
  }
  return -1;
}
