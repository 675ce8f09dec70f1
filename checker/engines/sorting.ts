/** Indices 0..n-1 in the order of `keys`; at equal keys those that `isFirst` come before the others. Sorts numbers, not objects. */
export function sortedBy(keys: Float64Array, isFirst: (index: number) => boolean): Int32Array {
  const sorted = keys.toSorted();
  const order = new Int32Array(keys.length);
  const taken = new Int32Array(keys.length);
  for (const wanted of [true, false]) {
    for (let i = 0; i < keys.length; i++) {
      if (isFirst(i) !== wanted) continue;
      const at = lowerBound(sorted, keys[i]!);
      order[at + taken[at]!++] = i;
    }
  }
  return order;
}

/** The first place in `sorted` that is not below `key`. */
export function lowerBound(sorted: Float64Array, key: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
