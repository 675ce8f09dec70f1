/** From the few operations that contradict each other to a set that is illegal by itself. */
import { absent, type Column, kinds } from "./column.ts";

/**
 * `extremal` with the writers of all they mention, along the chains of compare-and-sets to where those begin; and with one
 * observer of each write of unknown outcome, without which it need not have happened. Indices, in order of their calls.
 */
export function evidence(column: Column, writer: Int32Array, extremal: readonly number[]): number[] {
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
    const observer = kind.findIndex((_, other) => other !== i && isObserver(other, of));
    // One that is itself unknown, and observed in its turn.
    const link =
      observer !== -1 ? observer : kind.findIndex((one, other) => one === kinds.cas && expected[other] === of);
    if (link !== -1) open.push(link);
  }
  return [...all].toSorted((a, b) => call[a]! - call[b]! || a - b);
}
