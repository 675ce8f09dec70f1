/**
 * Compare-and-sets that saw another value: observers that say what the key did not hold. They are put into an order that
 * was found without them, each at a moment of its own interval; where one finds no place, another order may have it.
 */
import { type ColumnarHistory, kinds } from "./columnar-history.ts";
import { lowerBound } from "./sorting.ts";

/** `order` with all mismatches, or null where one has no place in it. Every operation of `order` stands at its earliest moment. */
export function insertMismatches(column: ColumnarHistory, order: Int32Array): Int32Array | null {
  const { mismatches, kind, call, end, value, expected } = column;
  if (mismatches.length === 0) return order;
  const count = order.length;
  const moment = new Float64Array(count);
  // Gap g is before the g-th operation; states[g] is what the key holds there, changeAt[g] the next gap where it differs.
  const states = new Int32Array(count + 1);
  for (let k = 0; k < count; k++) {
    const i = order[k]!;
    moment[k] = Math.max(k === 0 ? -Infinity : moment[k - 1]!, call[i]!);
    states[k + 1] = kind[i] === kinds.get ? states[k]! : value[i]!;
  }
  const changeAt = new Int32Array(count + 1).fill(count + 1);
  for (let g = count - 1; g >= 0; g--) changeAt[g] = states[g] === states[g + 1] ? changeAt[g + 1]! : g + 1;
  const placed: { readonly i: number; readonly gap: number; readonly moment: number }[] = [];
  for (const i of mismatches) {
    const first = lowerBound(moment, call[i]!);
    const gap = states[first] === expected[i] ? changeAt[first]! : first;
    const before = gap === 0 ? -Infinity : (moment[gap - 1] ?? Infinity);
    if (gap > count || before > end[i]!) return null;
    placed.push({ i, gap, moment: Math.max(before, call[i]!) });
  }
  placed.sort((a, b) => a.gap - b.gap || a.moment - b.moment);
  const all = new Int32Array(count + placed.length);
  let [at, next] = [0, 0];
  for (let g = 0; g <= count; g++) {
    for (; next < placed.length && placed[next]!.gap === g; next++) all[at++] = placed[next]!.i;
    if (g < count) all[at++] = order[g]!;
  }
  return all;
}
